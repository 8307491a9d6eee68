"""The real kube-scheduler as the judge of what the plan says about placement.

Every case has nodes of its own, told apart by a label, so that all of them are judged on one cluster at once. "always"
must mean that every pod is scheduled, "not packable" that at least one is not; of "packable" nothing is claimed, so
those are few. The functions judged are the ones that ``plan()`` uses.
"""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gpuplane.planning.placement.claims import Verdict
from gpuplane.planning.placement.kube_scheduler import InitContainer, Node, Taint, Toleration
from tests.integration.cluster import Cluster, wait_for
from tests.integration.planned_placements import planned_cases
from tests.integration.random_placements import Case, sets_of_pods, single_pods

pytestmark = pytest.mark.integration
CASE = "gpuplane.dev/case"
NAMESPACE = "gpuplane-placements"
SINGLE, SETS, PLANNED = 60, 90, 12
Settled = Mapping[str, Counter[bool]]
"""Case to how many of its pods were scheduled (True) and how many were not (False)."""


class Judge:
    """One cluster with the nodes and pods of all cases on it."""

    def __init__(self, cluster: Cluster, cases: Sequence[Case]) -> None:
        self.core, self.cases = cluster.core, cases

    def settle(self) -> Settled:
        """Create everything, wait until the scheduler has decided about every pod, and read its decisions."""
        self._each((_node(node, case.name) for case in self.cases for node in case.nodes), self.core.create_node)
        names = {node.name for case in self.cases for node in case.nodes}
        wait_for(lambda: names <= {node.metadata.name for node in self._nodes() if _is_ready(node)}, "the nodes are ready", 120)
        pods = [_pod(case, index) for case in self.cases for index in range(len(case.pods))]
        random.Random(7).shuffle(pods)
        self._each(pods, lambda pod: self.core.create_namespaced_pod(NAMESPACE, pod))
        wait_for(lambda: all(_decided(pod) for pod in self._pods(len(pods))), "the scheduler has decided about every pod", 120)
        return self._read(len(pods))

    def _read(self, count: int) -> Settled:
        """Decisions, read again until two readings agree: a pod that waits is tried again when something changes."""
        before: dict[str, Counter[bool]] | None = None
        while True:
            found: dict[str, Counter[bool]] = defaultdict(Counter)
            for pod in self._pods(count):
                found[pod.metadata.labels[CASE]][bool(pod.spec.node_name)] += 1
            if found == before:
                return found
            before = found
            time.sleep(3)

    def clean(self) -> None:
        """Remove what was made."""
        self.core.delete_collection_namespaced_pod(NAMESPACE, grace_period_seconds=0)
        self.core.delete_collection_node(label_selector=CASE)
        self.core.delete_namespace(NAMESPACE)

    def _nodes(self) -> list[Any]:
        return list(self.core.list_node(label_selector=CASE).items)

    def _pods(self, count: int) -> list[Any]:
        pods = list(self.core.list_namespaced_pod(NAMESPACE).items)
        assert len(pods) == count
        return pods

    @staticmethod
    def _each(bodies: Iterable[dict[str, Any]], create: Callable[[dict[str, Any]], Any]) -> None:
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(create, bodies))


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    made = [*single_pods(SINGLE), *sets_of_pods(SETS)]
    return {case.name: case for case in made}


@pytest.fixture(scope="module")
def planned() -> dict[str, tuple[Case, Verdict]]:
    return {case.name: (case, verdict) for case, verdict in planned_cases(PLANNED)}


@pytest.fixture(scope="module")
def settled(cluster: Cluster, cases: Mapping[str, Case], planned: Mapping[str, tuple[Case, Verdict]]) -> Iterator[Settled]:
    cluster.core.create_namespace({"metadata": {"name": NAMESPACE}})
    wait_for(lambda: any(account.metadata.name == "default" for account in cluster.core.list_namespaced_service_account(NAMESPACE).items),
             "the namespace is usable")
    judge = Judge(cluster, [*cases.values(), *(case for case, _ in planned.values())])
    try:
        yield judge.settle()
    finally:
        judge.clean()


def test_every_single_pod_is_scheduled_exactly_where_the_plan_says_so(cases: Mapping[str, Case], settled: Settled) -> None:
    single = {name: case.verdict() for name, case in cases.items() if len(case.pods) == 1}

    assert len(single) >= SINGLE
    assert set(single.values()) == {"always", "not packable"}
    assert {name: settled[name][True] == 1 for name in single} == {name: verdict == "always" for name, verdict in single.items()}


def test_sets_of_pods_are_scheduled_as_the_plan_says(cases: Mapping[str, Case], settled: Settled) -> None:
    verdicts = {name: case.verdict() for name, case in cases.items()}

    wrong = [name for name, verdict in verdicts.items() if _contradicts(verdict, settled[name])]
    assert wrong == []
    counted = Counter(verdicts.values())
    assert counted["packable"] + counted["unproven"] < len(verdicts) / 5
    assert counted["always"] >= 40
    assert counted["not packable"] >= 20


def test_what_whole_plans_say_of_their_pools_is_what_the_scheduler_does(planned: Mapping[str, tuple[Case, Verdict]], settled: Settled) -> None:
    assert len(planned) == PLANNED
    assert [name for name, (_, verdict) in planned.items() if _contradicts(verdict, settled[name])] == []
    assert {"always", "not packable"} <= {verdict for _, verdict in planned.values()}


def _contradicts(verdict: Verdict, decisions: Counter[bool]) -> bool:
    return (verdict == "always" and decisions[False] > 0) or (verdict == "not packable" and decisions[False] == 0)


def _is_ready(node: Any) -> bool:
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in node.status.conditions or [])
    return ready and not any(taint.key == "node.kubernetes.io/not-ready" for taint in node.spec.taints or [])


def _decided(pod: Any) -> bool:
    return bool(pod.spec.node_name) or any(
        condition.type == "PodScheduled" and condition.reason == "Unschedulable" for condition in pod.status.conditions or [])


def _node(node: Node, case: str) -> dict[str, Any]:
    amounts = {name: _quantity(name, amount) for name, amount in node.free}
    return {
        "metadata": {"name": node.name, "annotations": {"kwok.x-k8s.io/node": "fake"},
                     "labels": {**node.labels, CASE: case, "kubernetes.io/hostname": node.name, "type": "kwok"}},
        "spec": {"unschedulable": node.unschedulable, "taints": [_taint(taint) for taint in node.taints]},
        "status": {"capacity": amounts, "allocatable": amounts}}


def _pod(case: Case, index: int) -> dict[str, Any]:
    wish = case.pods[index]
    init = [_init(container, number) for number, container in enumerate(wish.init)]
    return {
        "metadata": {"name": f"{case.name}-{index}", "labels": {CASE: case.name}},
        "spec": {"nodeSelector": {**wish.node_selector, CASE: case.name}, "terminationGracePeriodSeconds": 0,
                 "tolerations": [_toleration(toleration) for toleration in wish.tolerations], "initContainers": init,
                 "containers": [_container(requests, f"main-{number}") for number, requests in enumerate(wish.containers)]}}


def _container(requests: Mapping[str, int], name: str) -> dict[str, Any]:
    asked = {resource: _quantity(resource, amount) for resource, amount in requests.items()}
    limits = {resource: amount for resource, amount in asked.items() if resource.startswith("nvidia.com/")}
    return {"name": name, "image": "none", "resources": {"requests": asked, "limits": limits}}


def _init(container: InitContainer, number: int) -> dict[str, Any]:
    made = _container(container.requests, f"init-{number}")
    return {**made, "restartPolicy": "Always"} if container.sidecar else made


def _taint(taint: Taint) -> dict[str, str]:
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}


def _toleration(toleration: Toleration) -> dict[str, str]:
    written = {"key": toleration.key, "operator": toleration.operator, "value": toleration.value, "effect": toleration.effect}
    return {name: value for name, value in written.items() if value}


def _quantity(resource: str, amount: int) -> str:
    if resource == "cpu":
        return f"{amount}m"
    return f"{amount}Mi" if resource in ("memory", "ephemeral-storage") else str(amount)


