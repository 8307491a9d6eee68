"""The scheduler's filters, as a table; tests/integration holds the same functions against the real one."""

from __future__ import annotations

import pytest

from gpuplane.planning.placement.claims import amounts
from gpuplane.planning.placement.kube_scheduler import InitContainer, Node, Pod, Taint, Toleration, effective_requests, reasons_against

GPU = "nvidia.com/gpu"
ROOM = amounts({"cpu": 4000, GPU: 1, "pods": 2})
TAINT = Taint("nvidia.com/gpu", "present")

TOLERATES = {
    "equal": (Toleration(TAINT.key, "Equal", "present", "NoSchedule"), True),
    "equal, any effect": (Toleration(TAINT.key, "Equal", "present"), True),
    "another value": (Toleration(TAINT.key, "Equal", "absent"), False),
    "another effect": (Toleration(TAINT.key, "Equal", "present", "NoExecute"), False),
    "exists": (Toleration(TAINT.key, "Exists"), True),
    "another key": (Toleration("team", "Exists"), False),
    "everything": (Toleration("", "Exists"), True),
    "no key and no Exists": (Toleration("", "Equal", "present"), False),
}


@pytest.mark.parametrize(("toleration", "expected"), TOLERATES.values(), ids=TOLERATES)
def test_tolerations(toleration: Toleration, expected: bool) -> None:
    assert toleration.tolerates(TAINT) is expected


AGAINST = {
    "it fits": (Pod(amounts({"cpu": 4000, GPU: 1, "pods": 1})), Node("n", ROOM), ()),
    "too little cpu and no device": (Pod(amounts({"cpu": 4001, "nvidia.com/mig-1g.10gb": 1})), Node("n", ROOM),
                                     ("not enough cpu", "not enough nvidia.com/mig-1g.10gb")),
    "no more pods": (Pod(amounts({"pods": 1})), Node("n", amounts({"cpu": 1})), ("not enough pods",)),
    "a cordon": (Pod(()), Node("n", ROOM, unschedulable=True), ("the node is cordoned",)),
    "a tolerated cordon": (Pod((), {}, (Toleration("node.kubernetes.io/unschedulable", "Exists"),)), Node("n", ROOM, unschedulable=True), ()),
    "a taint": (Pod(()), Node("n", ROOM, {}, (TAINT,)), ("taint nvidia.com/gpu=present:NoSchedule is not tolerated",)),
    "a taint that only asks": (Pod(()), Node("n", ROOM, {}, (Taint("spot", "true", "PreferNoSchedule"),)), ()),
    "another label": (Pod((), {"zone": "a"}), Node("n", ROOM, {"zone": "b"}), ("the node has no label zone=a",)),
}


@pytest.mark.parametrize(("pod", "node", "expected"), AGAINST.values(), ids=AGAINST)
def test_reasons_against_a_node(pod: Pod, node: Node, expected: tuple[str, ...]) -> None:
    assert reasons_against(pod, node) == expected


REQUESTS = {
    "containers add up": ([{"cpu": 1}, {"cpu": 2, GPU: 1}], [], {"cpu": 3, GPU: 1}),
    "the largest init container counts, not their sum": ([{"cpu": 1}], [InitContainer({"cpu": 3}), InitContainer({"cpu": 2})], {"cpu": 3}),
    "init containers may ask for gpus": ([{"cpu": 1}], [InitContainer({GPU: 2})], {"cpu": 1, GPU: 2}),
    "a sidecar runs beside the containers": ([{"cpu": 2}], [InitContainer({"cpu": 1}, sidecar=True)], {"cpu": 3}),
    "and beside the init containers after it": (
        [{"cpu": 1}], [InitContainer({"cpu": 1}, sidecar=True), InitContainer({"cpu": 3})], {"cpu": 4}),
    "not beside those before it": ([{"cpu": 1}], [InitContainer({"cpu": 3}), InitContainer({"cpu": 1}, sidecar=True)], {"cpu": 3}),
}


@pytest.mark.parametrize(("containers", "init", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_what_a_pod_takes_of_a_node(containers: list[dict[str, int]], init: list[InitContainer], expected: dict[str, int]) -> None:
    assert effective_requests(containers, init) == amounts({**expected, "pods": 1})


def test_the_overhead_of_a_runtime_class_comes_on_top() -> None:
    assert effective_requests([{"cpu": 1}], overhead={"cpu": 2}) == amounts({"cpu": 3, "pods": 1})
