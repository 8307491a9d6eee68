"""Whether a pod may run on a node, by the filters of the Kubernetes scheduler that decide about GPU pods.

NodeUnschedulable, TaintToleration, NodeAffinity (node selectors) and NodeResourcesFit, as kube-scheduler 1.36 has them.
The tests hold every verdict of this module against the real scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gpuplane.planning.placement.claims import Amounts, amounts, lacking

UNSCHEDULABLE_TAINT = "node.kubernetes.io/unschedulable"
"""Taint of a cordoned node."""


@dataclass(frozen=True, order=True)
class Taint:
    """A node's taint, in the Kubernetes spelling."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"


@dataclass(frozen=True, order=True)
class Toleration:
    """A pod's toleration; an empty key with ``Exists`` tolerates everything, an empty effect every effect."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def tolerates(self, taint: Taint) -> bool:
        """Whether the taint does not keep the pod away."""
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        return self.operator == "Exists" or (bool(self.key) and self.value == taint.value)


@dataclass(frozen=True)
class InitContainer:
    """An init container's requests; ``sidecar``: ``restartPolicy: Always``, it stays while the pod runs."""

    requests: Mapping[str, int]
    sidecar: bool = False


@dataclass(frozen=True)
class Node:
    """A node as the scheduler sees it: what it has left (``pods`` among it), its labels and taints."""

    name: str
    free: Amounts
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False


@dataclass(frozen=True)
class Pod:
    """A pod as the scheduler sees it; ``requests`` come from :func:`effective_requests`."""

    requests: Amounts
    node_selector: Mapping[str, str] = field(default_factory=dict, hash=False)
    tolerations: tuple[Toleration, ...] = ()


def effective_requests(containers: Sequence[Mapping[str, int]], init: Sequence[InitContainer] = (),
                       overhead: Mapping[str, int] | None = None) -> Amounts:
    """What a pod takes of a node: its containers and sidecars together, or its largest init container with the sidecars before it.

    Source: ``k8s.io/component-helpers/resource``, ``PodRequests``. A pod also takes one of the node's ``pods``.
    """
    running, largest = _sum(containers), dict[str, int]()
    sidecars: dict[str, int] = {}
    for container in init:
        if container.sidecar:
            sidecars = _sum([sidecars, container.requests])
            largest = _largest(largest, sidecars)
        else:
            largest = _largest(largest, _sum([sidecars, container.requests]))
    taken = _largest(_sum([running, sidecars]), largest)
    return amounts({**_sum([taken, overhead or {}]), "pods": 1})


def reasons_against(pod: Pod, node: Node) -> tuple[str, ...]:
    """Why the pod may not run on the node, in the order the scheduler looks; empty where it may."""
    cordon = Taint(UNSCHEDULABLE_TAINT)
    if node.unschedulable and not any(toleration.tolerates(cordon) for toleration in pod.tolerations):
        return ("the node is cordoned",)
    for taint in node.taints:
        if taint.effect in ("NoSchedule", "NoExecute") and not any(toleration.tolerates(taint) for toleration in pod.tolerations):
            return (f"taint {taint.key}={taint.value}:{taint.effect} is not tolerated",)
    for key, value in sorted(pod.node_selector.items()):
        if node.labels.get(key) != value:
            return (f"the node has no label {key}={value}",)
    return tuple(f"not enough {name}" for name in lacking(pod.requests, node.free))


def _sum(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, 0) + amount
    return total


def _largest(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in (*one, *other)}
