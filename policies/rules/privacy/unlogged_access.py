"""PII-16: who read personal data must be known afterwards, and nobody knows where reads are not recorded."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.data_stores import BUCKETS, access_log
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class UnloggedAccess(Rule):
    """Reads of buckets and of the cluster's API are recorded, without what was read: an audit log with payloads is one more copy."""

    id = "PII-16"
    title = "Access to sensitive data is recorded, and the record holds no data"
    severity = "medium"
    remedy = ("Give the bucket a server access log or CloudTrail data events, the cluster the audit log, and Secrets the audit level "
              "Metadata.")
    references = ("GDPR Art. 5(2)", "ISO/IEC 27001:2022 A.8.15", "NIST SP 800-122 §4.3")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        sensitive = [view for view in graph.namespaces.values() if owed(graph, view).access_log]
        for view in graph.resources:
            if view.type in BUCKETS and owed(graph, view).access_log and not access_log(graph, view):
                yield self.fail(graph, view, f"Bucket {view.name} holds {data_class(graph, view)} data, and nothing records who reads it.")
            elif view.type == "aws:eks/cluster:Cluster" and sensitive:
                kinds = view.get("enabledClusterLogTypes")
                if isinstance(kinds, Unknown):
                    yield self.unknown(graph, view, f"Which logs {view} writes is only known after apply.", "enabledClusterLogTypes")
                elif "audit" not in items(kinds):
                    yield self.fail(graph, view, f"{view} writes no audit log, and {sensitive[0]} is in it.", "enabledClusterLogTypes")
            elif view.group == "audit.k8s.io" and view.kind == "Policy":
                yield from self._audit_policy(graph, view)

    def _audit_policy(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        for index, rule in enumerate(items(view.get("rules"))):
            named = [str(name) for group in items(lookup(rule, "resources")) for name in items(lookup(group, "resources"))]
            if lookup(rule, "level") in ("Request", "RequestResponse") and (not items(lookup(rule, "resources")) or "secrets" in named):
                yield self.fail(graph, view, f"{view} records the content of Secrets.", f"rules[{index}].level")
            elif "secrets" in named:
                return

    PASSES = (
        Example("an audit policy that records of Secrets who, not what", """
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata, resources: [{group: "", resources: [secrets]}]}, {level: RequestResponse}]
"""),
    )
    FAILS = (
        Example("an audit policy that records everything", """
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: RequestResponse}]
""", "records the content of Secrets"),
    )
