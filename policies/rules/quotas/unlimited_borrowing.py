"""QF-06: in a cohort, what is not limited may be borrowed to the last GPU."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain
from gpuplane.graph.queues import FlavorQuota, Queue, cluster_queues
from gpuplane.graph.resource_view import Unknown, lookup
from gpuplane.graph.tenancy import tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class UnlimitedBorrowing(Rule):
    """Without a borrowing limit one tenant may take all that the cohort leaves idle, and others wait until it is reclaimed."""

    id = "QF-06"
    title = "Every queue of a cohort limits what it borrows, and in production what it lends"
    severity = "high"
    remedy = "Set borrowing_limit (0 for none) and, in production, lending_limit for every quota."
    references = ("Kueue documentation: ClusterQueue, borrowingLimit and lendingLimit",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for queue in cluster_queues(graph).values():
            if queue.cohort:
                for quota in queue.quotas:
                    yield from self._quota(graph, queue, quota)

    def _quota(self, graph: PlannedGraph, queue: Queue, quota: FlavorQuota) -> Iterator[Finding]:
        what = f"{quota.resource} in flavor {quota.flavor}"
        written = {key: _written(queue, quota, key) for key in ("borrowingLimit", "lendingLimit")}
        for key, value in written.items():
            if isinstance(value, Unknown):
                yield self.unknown(
                    graph, queue.view, f"The {key} of {what} of {queue.view} is only known after apply.", f"{quota.path}.{key}")
        if written["borrowingLimit"] is None:
            yield self.fail(graph, queue.view, f"{queue.view} may borrow any amount of {what} from cohort {queue.cohort}.",
                            f"{quota.path}.borrowingLimit")
        if written["lendingLimit"] is None and quota.nominal and _is_production(graph, queue):
            yield self.fail(
                graph, queue.view, f"{queue.view} is production and lends all its {plain(quota.nominal)} {what} to cohort "
                f"{queue.cohort}.", f"{quota.path}.lendingLimit")

    PASSES = (
        Example("limits on what is borrowed and lent", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  cohortName: all
  resourceGroups:
    - flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4", borrowingLimit: "2", lendingLimit: "2"}]}]
"""),
        Example("a queue alone borrows from nobody", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec: {resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]}
"""),
    )
    FAILS = (
        Example("no limit on borrowing", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support}
spec:
  cohortName: all
  resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: "4"}]}]}]
""", "may borrow any amount of nvidia.com/gpu in flavor h100 from cohort all"),
        Example("production lends everything", """
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/environment: prod}}
spec:
  cohort: all
  resourceGroups: [{flavors: [{name: h100, resources: [{name: nvidia.com/gpu, nominalQuota: 4, borrowingLimit: 0}]}]}]
""", "is production and lends all its 4"),
    )


def _written(queue: Queue, quota: FlavorQuota, key: str) -> object:
    """A limit as it stands in the object; Kueue takes null and missing alike for no limit."""
    steps = [int(part) if part.isdigit() else part for part in quota.path.replace("[", ".").replace("]", "").split(".")]
    return lookup(queue.view.props, *steps, key)


def _is_production(graph: PlannedGraph, queue: Queue) -> bool:
    places = [graph.namespaces[name] for name, tenant in tenants_of_namespaces(graph).items()
              if tenant in queue.tenants and name in graph.namespaces]
    return any((graph.says(view, "environment") or "").lower().startswith("prod") for view in [queue.view, *places])
