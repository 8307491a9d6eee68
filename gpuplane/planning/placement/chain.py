"""The chain that a workload hangs on, link by link: LocalQueue, ClusterQueue, ResourceFlavor, node pool, node, room for all.

Each workload is followed at its minimum, and at its maximum with surge while the others are at their minimum. The
first link that breaks is named, with the cheapest way to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import PoolPlan, QuotaPlan, key_resource
from gpuplane.planning.placement.claims import Amounts, Claim, Verdict, merged
from gpuplane.planning.placement.kube_scheduler import Node, Pod, Taint, Toleration, reasons_against
from gpuplane.planning.placement.pods import free_of, nodes_of, pod_of
from gpuplane.planning.placement.pool_placement import at_guaranteed, at_maximum, at_minimum, claims_at, verdict_at
from gpuplane.planning.placement.schedulability import At, Link, PoolPlacement, Schedulability, SchedulingVerdict
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.vocabulary import LOCAL_QUEUE

_REMEDIES = {
    "LocalQueue": "Give the tenant a quota.",
    "ClusterQueue": "Lower the replicas, or raise the quota.",
    "ResourceFlavor": "Make the pool's labels and taints those that its services select and tolerate.",
    "node pool": "Name hardware that the catalogue knows, or a MIG profile of the pool's layout."}
_MOST_SEARCHES = 40
"""Pairs of pod and replicas that one pool is asked "always?" for; the others are said to be packable where that is known."""


@dataclass
class PoolChain:
    """What the workloads of one pool share, worked out once for each pod shape."""

    pool: PoolPlan
    document: NodePool
    asked: Sequence[Demand]
    placement: PoolPlacement
    zones: Mapping[str, int]
    remedies: Mapping[str, str]
    """Remedy of ``room for all`` by level (``minimum``, ``maximum``)."""
    _nodes: dict[tuple[Amounts, int], Link] = field(default_factory=dict)
    _rooms: dict[tuple[Amounts, int], Verdict] = field(default_factory=dict)
    _room_links: dict[tuple[At, Verdict], Link] = field(default_factory=dict)
    _pools: dict[str, Link] = field(default_factory=dict)

    def follow(self, demand: Demand, quotas: Mapping[str, QuotaPlan], own_peak: int) -> Iterator[Schedulability]:
        """The chain of one workload, at its minimum and at its maximum.

        Args:
            quotas: of its tenant, by quota key.
            own_peak: peaks with surge of the tenant's services on this key that may not borrow, in devices.
        """
        pod = self._pods[demand.entry.name]
        shared = (self._flavor, self._pool(demand), self._node(demand, pod))
        for at, replicas in _levels(demand):
            queues = _local_queue(demand, quotas), _cluster_queue(demand, quotas.get(demand.quota_key), at, own_peak, self.pool)
            links = [*queues, *shared]
            verdict = self._room(pod, demand, at) if all(link.holds for link in links[2:]) else None
            if verdict is not None:
                links.append(self._room_link(at, verdict))
            yield _judged(demand, at, replicas, tuple(links), verdict, self.remedies)

    @cached_property
    def _flavor(self) -> Link:
        """The pool's services select its labels and tolerate its taints; the flavor bears both."""
        taints = tuple(Taint(taint.key, taint.value, taint.effect) for taint in self.document.spec.node_taints)
        tolerations = tuple(Toleration(taint.key, "Equal", taint.value, taint.effect) for taint in taints)
        against = reasons_against(Pod((), self.pool.node_labels, tolerations), Node(self.pool.name, (), self.pool.node_labels, taints))
        return Link("ResourceFlavor", self.pool.name, not against, (
            ("nodeLabels", ", ".join(f"{key}={value}" for key, value in sorted(self.pool.node_labels.items()))),
            ("tolerated taints", ", ".join(f"{taint.key}={taint.value}:{taint.effect}" for taint in taints) or "none")))

    def _pool(self, demand: Demand) -> Link:
        if demand.quota_key not in self._pools:
            self._pools[demand.quota_key] = self._pool_link(key_resource(demand.quota_key, self.pool.device))
        return self._pools[demand.quota_key]

    def _pool_link(self, resource: str) -> Link:
        nodes, tpu = self.document.spec.aws_nodes, self.document.spec.tpu
        kind = " or ".join(nodes.types) if nodes is not None else tpu.machine_type if tpu is not None else "existing"
        inputs = [("nodes", kind),
                  ("most nodes", str(self.placement.minimum.available_nodes)),
                  (resource, f"{self.pool.devices_per_node.get(resource, 0)} a node")]
        inputs += [("zones", ", ".join(f"{zone} {count}" for zone, count in sorted(self.zones.items())))] if self.zones else []
        return Link("node pool", self.pool.name, self.pool.gpus_per_node > 0 and resource in self.pool.devices_per_node, tuple(inputs))

    def _node(self, demand: Demand, pod: Amounts) -> Link:
        slots = demand.per_replica if self.pool.strategy in SHARED_WITHOUT_ISOLATION else 1
        if (pod, slots) not in self._nodes:
            free = free_of(self.pool)
            against = reasons_against(Pod(pod), Node(self.pool.name, free))
            has = dict(free)
            inputs = tuple((name, f"{amount} of {has.get(name, 0)}") for name, amount in pod)
            # Two turns may fall on one GPU, so the device plugin refuses to give one pod more than one.
            self._nodes[pod, slots] = Link("node", f"a node of {self.pool.name}", not against and slots == 1, inputs)
        return self._nodes[pod, slots]

    def _room(self, pod: Amounts, demand: Demand, at: At) -> Verdict:
        """Of all workloads at their minimum; for the maximum, of them and the further replicas of this one."""
        if at == "minimum":
            return self.placement.minimum.verdict
        if self.placement.maximum.verdict == "always":
            return "always"
        more = at_maximum(demand) - at_minimum(demand)
        if not more:
            return self.placement.minimum.verdict
        if (pod, more) not in self._rooms:
            self._rooms[pod, more] = self._room_for(pod, more)
        return self._rooms[pod, more]

    def _room_for(self, pod: Amounts, more: int) -> Verdict:
        """What the levels and earlier answers settle is not searched again: fewer pods are never harder to place."""
        if self._promised.get(pod, 0) >= more:
            return "always"
        known = {count: verdict for (shape, count), verdict in self._rooms.items() if shape == pod}
        if any(verdict == "always" and count >= more for count, verdict in known.items()):
            return "always"
        if any(verdict == "not packable" and count <= more for count, verdict in known.items()):
            return "not packable"
        certain = self.placement.minimum.verdict == "always" and len(self._rooms) < _MOST_SEARCHES
        surely = self.placement.maximum.verdict == "packable" or any(
            verdict == "packable" and count >= more for count, verdict in known.items())
        if surely and not certain:
            return "packable"
        groups, most = nodes_of(self.pool, self.zones), self.placement.minimum.available_nodes
        return verdict_at(groups, [*self._at_minimum, Claim(pod, more)], most, certain)

    @cached_property
    def _at_minimum(self) -> tuple[Claim, ...]:
        return merged(claims_at(self.asked, self._pods, at_minimum))

    @cached_property
    def _promised(self) -> Mapping[Amounts, int]:
        """Pods of each shape beyond the minimum that surely find a place, with all others that quotas promise."""
        if self.placement.guaranteed.verdict != "always":
            return {}
        least = {claim.pod: claim.pods for claim in self._at_minimum}
        return {claim.pod: claim.pods - least.get(claim.pod, 0) for claim in merged(claims_at(self.asked, self._pods, at_guaranteed))}

    @cached_property
    def _pods(self) -> Mapping[str, Amounts]:
        return {each.entry.name: pod_of(each, self.pool) for each in self.asked}

    def _room_link(self, at: At, verdict: Verdict) -> Link:
        if (at, verdict) not in self._room_links:
            self._room_links[at, verdict] = self._new_room_link(at, verdict)
        return self._room_links[at, verdict]

    def _new_room_link(self, at: At, verdict: Verdict) -> Link:
        level = self.placement.minimum if at == "minimum" else self.placement.maximum
        inputs = [("verdict", verdict), ("nodes there can be", str(level.available_nodes))]
        if at == "minimum":
            inputs.append(("nodes needed", "unknown" if level.nodes is None else str(level.nodes)))
        holds = {"always": True, "packable": True, "not packable": False, "unproven": None}[verdict]
        return Link("room for all", self.pool.name, holds, tuple(inputs))


def _levels(demand: Demand) -> tuple[tuple[At, int], ...]:
    return ("minimum", at_minimum(demand)), ("maximum", at_maximum(demand))


def _local_queue(demand: Demand, quotas: Mapping[str, QuotaPlan]) -> Link:
    return Link("LocalQueue", f"{demand.entry.tenant}/{LOCAL_QUEUE}", bool(quotas), (("quotas", ", ".join(quotas) or "none"),))


def _cluster_queue(demand: Demand, quota: QuotaPlan | None, at: At, own_peak: int, pool: PoolPlan) -> Link:
    tenant = demand.entry.tenant
    if quota is None:
        return Link("ClusterQueue", tenant, False, (("quota", "none"),))
    if at == "minimum":
        needed, limit, word = quota.committed, quota.nominal, "nominal_quota"
    elif demand.may_borrow:
        needed, limit, word = quota.peak_with_surge, min(quota.ceiling, pool.capacity[quota.resource] or quota.ceiling), "ceiling"
    else:
        needed, limit, word = own_peak, quota.nominal, "nominal_quota"
    return Link("ClusterQueue", tenant, needed <= limit, (("devices needed", str(needed)), (word, str(limit))))


def _judged(demand: Demand, at: At, replicas: int, links: tuple[Link, ...], room: Verdict | None,
            remedies: Mapping[str, str]) -> Schedulability:
    broken = next((link for link in links if link.holds is False), None)
    verdict: SchedulingVerdict = "not schedulable" if broken is not None or room is None or room == "not packable" else room
    if broken is None:
        return Schedulability(demand.entry.name, at, replicas, verdict, links, "", "")
    said = {**_REMEDIES, "room for all": remedies[at]}
    remedy = _smaller(broken) if broken.name == "node" else said[broken.name]
    return Schedulability(demand.entry.name, at, replicas, verdict, links, broken.name, remedy)


def _smaller(node: Link) -> str:
    over = [f"{name} {compared}" for name, compared in node.inputs if _is_over(compared)]
    return f"Ask for less in one pod ({'; '.join(over)}), or choose larger nodes." if over else "Ask for one time-sliced GPU a pod."


def _is_over(compared: str) -> bool:
    asked, _, has = compared.partition(" of ")
    return int(asked) > int(has)
