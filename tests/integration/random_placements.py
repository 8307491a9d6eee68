"""Random placements, always the same ones: nodes of several shapes and pods, as the plan's functions take them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from gpuplane.planning.placement.claims import Amounts, Claim, NodeGroup, Verdict, amounts
from gpuplane.planning.placement.kube_scheduler import InitContainer, Node, Pod, Taint, Toleration, effective_requests, reasons_against
from gpuplane.planning.placement.stranding import verdict_of

GPU, SMALL, LARGE = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/mig-3g.40gb"
TAINTS = (Taint("nvidia.com/gpu", "present"), Taint("team", "blue"), Taint("maintenance", "", "NoExecute"), Taint("spot", "true", "PreferNoSchedule"))
TOLERATIONS = (
    Toleration("nvidia.com/gpu", "Equal", "present", "NoSchedule"), Toleration("nvidia.com/gpu", "Exists"), Toleration("team", "Equal", "blue"),
    Toleration("team", "Equal", "red", "NoSchedule"), Toleration("", "Exists"), Toleration("maintenance", "Exists", "", "NoSchedule"),
    Toleration("node.kubernetes.io/unschedulable", "Exists"))
SHAPES: tuple[Mapping[str, int], ...] = (
    {"cpu": 96_000, "memory": 1_000_000, "pods": 110, GPU: 8}, {"cpu": 48_000, "memory": 200_000, "pods": 20, GPU: 4},
    {"cpu": 16_000, "memory": 60_000, "pods": 4, GPU: 1}, {"cpu": 96_000, "memory": 400_000, "pods": 12, SMALL: 8, LARGE: 2},
    {"cpu": 32_000, "memory": 120_000, "pods": 8}, {"cpu": 64_000, "memory": 240_000, "pods": 2, GPU: 8})


@dataclass(frozen=True)
class PodWish:
    """One pod as it is written: containers and init containers with their requests."""

    containers: tuple[Mapping[str, int], ...]
    init: tuple[InitContainer, ...]
    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]

    def pod(self) -> Pod:
        """As the plan sees it."""
        return Pod(effective_requests(self.containers, self.init), self.node_selector, self.tolerations)


@dataclass(frozen=True)
class Case:
    """Nodes and the pods that want to run on them."""

    name: str
    nodes: tuple[Node, ...]
    pods: tuple[PodWish, ...]

    def verdict(self) -> Verdict:
        """What the plan's functions say of all pods together."""
        groups = [NodeGroup(node.name, node.free, 1) for node in self.nodes]
        return verdict_of(groups, [self._claim(wish.pod()) for wish in self.pods])

    def _claim(self, pod: Pod) -> Claim:
        allowed = tuple(node.name for node in self.nodes if not reasons_against(pod, node))
        return Claim(pod.requests, 1, allowed=None if len(allowed) == len(self.nodes) else allowed)


def single_pods(count: int) -> list[Case]:
    """One pod and a few nodes: taints, labels, cordons, init containers, every resource at its limit."""
    return [_single(random.Random(f"single {number}"), f"single-{number:03d}") for number in range(count)]


def sets_of_pods(count: int) -> list[Case]:
    """Several pods of few shapes on nodes that they nearly fill."""
    return [_set(random.Random(f"set {number}"), f"set-{number:03d}") for number in range(count)]


def _single(draw: random.Random, name: str) -> Case:
    shape = draw.choice(SHAPES)
    others = [draw.choice(SHAPES) for _ in range(draw.randrange(3))]
    nodes = tuple(_node(draw, f"{name}-{index}", free, 0.35) for index, free in enumerate([shape, *others]))
    asked = {resource: max(1, min(_near(draw, amount), amount + 1)) for resource, amount in shape.items() if resource != "pods"}
    if draw.random() < 0.3 and len(asked) > 2:
        asked.pop(draw.choice(sorted(asked)[2:]))
    containers, init = _split(draw, asked)
    selector = {"zone": draw.choice("ab")} if draw.random() < 0.3 else {}
    return Case(name, nodes, (PodWish(containers, init, selector, _tolerations(draw)),))


def _near(draw: random.Random, amount: int) -> int:
    return draw.choice([amount, amount, amount + 1, max(1, amount // 2), 1, max(1, amount - 1)])


def _split(draw: random.Random, asked: Mapping[str, int]) -> tuple[tuple[Mapping[str, int], ...], tuple[InitContainer, ...]]:
    """The same total in one container, two, a sidecar, or an init container that is larger than the rest."""
    kind = draw.randrange(4)
    if kind == 0:
        return (asked,), ()
    part = {resource: amount // 3 for resource, amount in asked.items() if amount // 3 and resource in ("cpu", "memory")}
    remaining = {resource: amount - part.get(resource, 0) for resource, amount in asked.items()}
    if kind == 1:
        return (remaining, part), ()
    if kind == 2:
        return (remaining,), (InitContainer(part, sidecar=True), InitContainer({"cpu": 100}))
    return ({resource: max(1, amount // 2) for resource, amount in asked.items()},), (InitContainer(asked),)


def _node(draw: random.Random, name: str, free: Mapping[str, int], strange: float) -> Node:
    taints = tuple(taint for taint in TAINTS if draw.random() < strange / 2)
    return Node(name, amounts(free), {"zone": draw.choice("ab")}, taints, draw.random() < strange / 4)


def _tolerations(draw: random.Random) -> tuple[Toleration, ...]:
    return tuple(sorted(draw.sample(TOLERATIONS, draw.randrange(4))))


def _set(draw: random.Random, name: str) -> Case:
    shape = draw.choice(SHAPES)
    other = draw.choice(SHAPES) if draw.random() < 0.3 else shape
    nodes = [Node(f"{name}-{index}", amounts(draw.choice((shape, other))), {"zone": draw.choice("ab")}) for index in range(draw.randint(1, 4))]
    if draw.random() < 0.2:
        nodes[-1] = _node(draw, nodes[-1].name, shape, 0.8)
    wishes = [_shape(draw, shape) for _ in range(draw.randint(1, 3))]
    fill, used, pods = draw.choice([0.35, 0.5, 0.75, 1.0, 1.1]), 0.0, list[PodWish]()
    while len(pods) < 12:
        wish = draw.choice(wishes)
        used += max(amount / shape[resource] for resource, amount in wish.pod().requests)
        if used > fill * len(nodes) and pods:
            break
        pods.append(wish)
    return Case(name, tuple(nodes), tuple(pods))


def _shape(draw: random.Random, node: Mapping[str, int]) -> PodWish:
    """A pod that takes between an eighth and all of some resource, and less of the others."""
    devices = [name for name in node if name.startswith("nvidia.com/")]
    share = draw.choice([1, 2, 4, 8]) / 8
    asked = {name: max(1, int(node[name] * share * draw.choice([0.3, 0.6, 0.9, 1.0]))) for name in ("cpu", "memory")}
    if devices:
        device = draw.choice(devices)
        asked[device] = max(1, int(node[device] * share))
    tolerations = (Toleration("", "Exists"),) if draw.random() < 0.2 else ()
    return PodWish((asked,), (), {"zone": draw.choice("ab")} if draw.random() < 0.1 else {}, tolerations)


__all__ = ["Amounts", "Case", "PodWish", "sets_of_pods", "single_pods"]
