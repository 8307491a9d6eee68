"""RE-09: an API version that the cluster does not serve fails the whole apply, half-way through."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.catalog.removed_apis import removed_api
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class RemovedApis(Rule):
    """What the target cluster no longer serves cannot be applied; what is deprecated stops an upgrade later.

    The target is the Kubernetes version of the cluster in the graph; where there is none, the newest that gpuplane knows.
    """

    id = "RE-09"
    title = "No API version that the cluster has removed or deprecated"
    severity = "high"
    remedy = "Write the API version that is named instead; fields may have moved, see the migration guide."
    references = ("Kubernetes documentation: Deprecated API Migration Guide", "Kubernetes documentation: Deprecation Policy")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        target = _target(graph)
        for view in graph.kubernetes:
            row = removed_api(view.api_version, view.kind)
            if row is not None and (row.removed_in is None or target is None or row.removed_in <= target):
                numbers = ".".join(map(str, row.removed_in or ()))
                since = f"is not served since Kubernetes {numbers}" if numbers else "is deprecated"
                yield self.fail(graph, view, f"{view.api_version} of {view} {since}; write {row.instead}.", "apiVersion")

    PASSES = (
        Example("the version that is served", """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: chat}}}
"""),
        Example("a kind of that group that is served still", """
apiVersion: storage.k8s.io/v1beta1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: ebs.csi.aws.com
"""),
    )
    FAILS = (
        Example("a CronJob of before 1.21", """
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly, namespace: support}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {containers: []}}}}}
""", "batch/v1beta1 of CronJob support/nightly is not served since Kubernetes 1.25; write batch/v1"),
        Example("OpenShift's copy of a Role", """
apiVersion: authorization.openshift.io/v1
kind: Role
metadata: {name: viewer, namespace: support}
rules: []
""", "is deprecated; write rbac.authorization.k8s.io/v1"),
    )


def _target(graph: PlannedGraph) -> tuple[int, int] | None:
    for view in graph.of_kind("Cluster"):
        version = re.fullmatch(r"(\d+)\.(\d+)", str(view.get("version") or ""))
        if view.type == "aws:eks/cluster:Cluster" and version:
            return int(version[1]), int(version[2])
    return None
