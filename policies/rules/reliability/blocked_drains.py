"""RE-02: without a disruption budget a drain takes all replicas at once; with a wrong one it never ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from gpuplane.graph.disruption_budgets import DisruptionBudget, budget_of
from gpuplane.graph.lasting_pods import LastingPods, lasting_pods
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import index_of
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_MOST_PODS = 10
"""A budget that lets nothing go before there are more pods than this blocks nearly every workload that it could be about."""


class BlockedDrains(Rule):
    """Node upgrades, spot reclaims and scale-downs evict pods. The budget decides whether that is an outage, a wait or neither.

    Workloads of production with several replicas need one. Anywhere, a budget must let one pod of the replicas that always run go,
    and two budgets for one pod make the API refuse every eviction of it.
    """

    id = "RE-02"
    title = "Disruption budgets exist in production, and let drains proceed"
    severity = "high"
    remedy = "Give each production workload one PodDisruptionBudget with maxUnavailable 1, or minAvailable below its replicas."
    references = ("Kubernetes documentation: Specifying a Disruption Budget for your Application",
                  "Kubernetes documentation: API-initiated Eviction", "Gatekeeper library: poddisruptionbudget")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        guarded: dict[str, list[DisruptionBudget]] = defaultdict(list)
        for view in graph.objects("PodDisruptionBudget"):
            yield from self._budget(graph, budget_of(view), guarded)
        for lasting in lasting_pods(graph):
            found = guarded.get(_key(lasting), [])
            if len(found) > 1:
                names = ", ".join(sorted(each.view.name for each in found))
                yield self.fail(graph, lasting.view, f"{lasting.view} has {len(found)} disruption budgets ({names}), so no eviction of its "
                                                     "pods is allowed.")
            elif not found and lasting.scale.minimum > 1 and graph.in_production(lasting.view):
                yield self.fail(graph, lasting.view, f"{lasting.view} has {lasting.scale.minimum} replicas in production and no disruption "
                                                     "budget: a drain may take all of them at once.")

    def _budget(self, graph: PlannedGraph, budget: DisruptionBudget, guarded: dict[str, list[DisruptionBudget]]) -> Iterator[Finding]:
        view = budget.view
        lasting = _by_pods(graph)
        about = [lasting[id(pods)] for pods in index_of(graph).select(home(view), view.get("spec", "selector")) if id(pods) in lasting]
        for each in about:
            guarded[_key(each)].append(budget)
        if budget.unknown:
            yield self.unknown(graph, view, f"What {view} lets a drain take is only known after apply.", budget.field)
        elif budget.max_unavailable is None and budget.min_available is None:
            return
        elif not about or budget.smallest is None:
            if budget.smallest is None or (str(budget.min_available).endswith("%") and budget.smallest > _MOST_PODS):
                least = "no pod ever" if budget.smallest is None else f"no pod of fewer than {budget.smallest}"
                yield self.fail(
                    graph, view, f"{view} lets {least} be evicted ({budget.said}), so drains of its nodes never end.", budget.field)
        else:
            always: Mapping[str, int] = {str(each.view): max(each.scale.minimum, 1) for each in about}
            if budget.evictable(sum(always.values())) == 0:
                parts = ", ".join(f"{name} {count}" for name, count in always.items())
                yield self.fail(graph, view, f"{view} says {budget.said}, and that is all that always runs ({parts}), so drains never end.",
                                budget.field)

    PASSES = (
        Example("one pod may go", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {modelFormat: {name: vLLM}}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {maxUnavailable: 1, selector: {matchLabels: {serving.kserve.io/inferenceservice: chat}}}
"""),
        Example("a share of pods that are not among the objects", """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {minAvailable: 50%, selector: {matchLabels: {app: chat}}}
"""),
    )
    FAILS = (
        Example("no budget", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {modelFormat: {name: vLLM}}}}
""", "InferenceService support/chat has 2 replicas in production and no disruption budget"),
        Example("as many must stay as there are", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  replicas: 2
  template: {metadata: {labels: {app: chat}}, spec: {containers: [{name: vllm, image: vllm}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {minAvailable: 2, selector: {matchLabels: {app: chat}}}
""", "says minAvailable 2, and that is all that always runs (Deployment support/chat 2)"),
        Example("nothing may ever go", """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {maxUnavailable: 0%, selector: {matchLabels: {app: chat}}}
""", "lets no pod ever be evicted (maxUnavailable 0%)"),
        Example("two budgets", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  replicas: 3
  template: {metadata: {labels: {app: chat, team: support}}, spec: {containers: [{name: vllm, image: vllm}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: chat, namespace: support}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: chat}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: team, namespace: support}
spec: {maxUnavailable: 1, selector: {matchLabels: {team: support}}}
""", "has 2 disruption budgets (chat, team)"),
    )


def _key(lasting: LastingPods) -> str:
    return f"{lasting.view.urn} {lasting.template.path}"


@lru_cache(maxsize=4)
def _by_pods(graph: PlannedGraph) -> Mapping[int, LastingPods]:
    return {id(lasting.pods): lasting for lasting in lasting_pods(graph)}
