"""TI-22 as a reader meets it: one finding for what one object does to many, unknown where only apply knows, silent where it is declared."""

from __future__ import annotations

from dataclasses import replace

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules

RULES = {rule.id: rule for rule in all_rules()}
TENANTS = "".join(f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {{gpuplane.dev/tenant: {name}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: closed, namespace: {name}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}
---""" for name in ("a", "b", "c", "d", "e"))
OPEN = """
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: open}
spec: {endpointSelector: {}, ingress: [{fromEntities: [cluster]}], egress: [{toEntities: [cluster]}]}
"""
WAY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: out, namespace: a}
spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: b}}}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in, namespace: b}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}]}]}
"""


def found(views: tuple[ResourceView, ...], rule: str = "TI-22") -> list[Finding]:
    """Findings of a rule."""
    return list(RULES[rule].check(PlannedGraph(views)))


def test_one_object_that_opens_many_paths_is_one_finding() -> None:
    finding, = found(views_of_text(TENANTS + OPEN))

    assert (finding.kind, finding.name, finding.verdict) == ("CiliumClusterwideNetworkPolicy", "open", Verdict.FAIL)
    assert "likewise from tenant a to tenant c, tenant a to tenant d, tenant a to tenant e and 16 more" in finding.message


def test_what_only_apply_knows_is_unknown_and_blocks() -> None:
    views = list(views_of_text(TENANTS + WAY))
    props = {**views[-1].props, "spec": {**views[-1].props["spec"], "ingress": Unknown("urn:x", "spec.ingress")}}
    views[-1] = replace(views[-1], props=props)
    finding, = found(tuple(views))

    assert (finding.verdict, finding.blocks) == (Verdict.UNKNOWN, True)
    assert "It cannot be excluded" in finding.message


def test_a_declared_path_is_no_finding_of_either_rule_about_it() -> None:
    said = """'[{"tenant": "a", "by": ["network"], "reason": "a asks b for embeddings"}]'"""
    text = TENANTS + WAY
    declared = text.replace("metadata: {name: b, labels: {gpuplane.dev/tenant: b}}", "metadata:\n  name: b\n  labels: {gpuplane.dev/tenant: b}\n"
                            f"  annotations:\n    gpuplane.dev/reachable-from: {said}")

    assert declared != text
    assert [finding.rule for rule in ("TI-02", "TI-22") for finding in found(views_of_text(text), rule)] == ["TI-02", "TI-02", "TI-22"]
    assert [finding.rule for rule in ("TI-02", "TI-22") for finding in found(views_of_text(declared), rule)] == []


def test_a_declaration_of_another_medium_does_not_help() -> None:
    text = TENANTS.replace("metadata: {name: b, labels: {gpuplane.dev/tenant: b}}", "metadata:\n  name: b\n  labels: {gpuplane.dev/tenant: b}\n"
                           "  annotations:\n    gpuplane.dev/reachable-from: 'not JSON'") + WAY

    assert [finding.rule for finding in found(views_of_text(text))] == ["TI-22"]
