"""PII-20: what a high-risk AI system did must be known for six months at least, without what it was told."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.data_stores import LOG_GROUP
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import Unknown
from gpuplane.graph.tenancy import owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import AI_ACT_RISK

LEAST_DAYS = 184
"""Six months, at their longest (Regulation (EU) 2024/1689 Art. 19(1), 26(6))."""


class ShortEventLogs(Rule):
    """Events are logged, payloads are not. Where the class of the data allows less time than the law of AI systems asks for, people have
    to decide which logs fall under which."""

    id = "PII-20"
    title = "High-risk AI systems keep their event logs for six months"
    severity = "medium"
    remedy = "Set retentionInDays of the cluster's log group to 184 or more, and retention_days of the class no lower for logs of events."
    references = ("Regulation (EU) 2024/1689 Art. 12, Art. 19(1), Art. 26(6)",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        risky = [view for view in graph.namespaces.values() if str(view.annotations.get(AI_ACT_RISK, "")).lower() == "high"]
        for view in risky:
            most = owed(graph, view).retention_days
            if most is not None and most < LEAST_DAYS:
                yield self.fail(graph, view, f"{view} runs a high-risk AI system, whose event logs are kept for {LEAST_DAYS} days at "
                                             f"least, and its class of data is kept for {most} at most: log events without personal data.",
                                f"metadata.annotations.{AI_ACT_RISK}")
        for group in graph.resources if risky else ():
            if group.type == LOG_GROUP and str(group.get("name")).startswith("/aws/eks/"):
                days = group.get("retentionInDays")
                if isinstance(days, Unknown):
                    yield self.unknown(graph, group, f"How long {group.name} is kept is only known after apply.", "retentionInDays")
                elif isinstance(days, int) and 0 < days < LEAST_DAYS:
                    yield self.fail(graph, group, f"{risky[0]} runs a high-risk AI system, and log group {group.name} is kept for {days} "
                                                  f"days; {LEAST_DAYS} are needed.", "retentionInDays")

    PASSES = (
        Example("a high-risk system whose data may be kept long enough", """
apiVersion: v1
kind: Namespace
metadata: {name: hiring, labels: {gpuplane.dev/data-classification: personal}, annotations: {gpuplane.dev/ai-act-risk: high}}
"""),
    )
    FAILS = (
        Example("two periods that contradict each other", """
apiVersion: v1
kind: Namespace
metadata: {name: triage, labels: {gpuplane.dev/data-classification: special}, annotations: {gpuplane.dev/ai-act-risk: high}}
""", "kept for 184 days at least, and its class of data is kept for 180 at most"),
    )
