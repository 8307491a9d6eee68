"""PII-19: special categories of personal data and high-risk AI need an assessment and somebody who watches, before the first request."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import AI_ACT_RISK, IMPACT_ASSESSMENT, OVERSIGHT_CONTACT


class UnassessedSystems(Rule):
    """The law asks for an impact assessment before such processing begins, and for people who can stop it.

    gpuplane cannot judge the assessment; it can insist that somebody says where it is.
    """

    id = "PII-19"
    title = "Special categories of data and high-risk AI name their impact assessment and who oversees them"
    severity = "high"
    remedy = "Give data_protection.dpia and data_protection.oversight_contact in the tenant's document."
    references = ("GDPR Art. 9, Art. 35", "Regulation (EU) 2024/1689 Art. 14, Art. 26(2)")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.namespaces.values():
            special, high = graph.data_class_of(view) == "special", str(view.annotations.get(AI_ACT_RISK, "")).lower() == "high"
            if special or high:
                what = "holds special categories of personal data" if special else "runs a high-risk AI system"
                for key, missing in ((IMPACT_ASSESSMENT, "its impact assessment is"), (OVERSIGHT_CONTACT, "oversees it")):
                    if view.annotations.get(key) in (None, ""):
                        asked = "where" if key == IMPACT_ASSESSMENT else "who"
                        yield self.fail(graph, view, f"{view} {what}, and nobody says {asked} {missing}.", f"metadata.annotations.{key}")

    PASSES = (
        Example("assessed and overseen", """
apiVersion: v1
kind: Namespace
metadata:
  name: triage
  labels: {gpuplane.dev/data-classification: special}
  annotations: {gpuplane.dev/dpia: DPIA 2026-07, gpuplane.dev/oversight-contact: medical board}
"""),
    )
    FAILS = (
        Example("health data without an assessment", """
apiVersion: v1
kind: Namespace
metadata:
  name: triage
  labels: {gpuplane.dev/data-classification: special}
  annotations: {gpuplane.dev/oversight-contact: medical board}
""", "nobody says where its impact assessment is"),
        Example("a high-risk system that nobody watches", """
apiVersion: v1
kind: Namespace
metadata:
  name: hiring
  labels: {gpuplane.dev/data-classification: personal}
  annotations: {gpuplane.dev/dpia: DPIA 2026-08, gpuplane.dev/ai-act-risk: high}
""", "nobody says who oversees it"),
    )
