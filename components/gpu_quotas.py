"""What all tenants' queues share: a ResourceFlavor for each pool, the Cohort tree, the workload priorities."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, metadata
from gpuplane.components.resource_groups import QuotaArgs, resource_groups
from gpuplane.spec.vocabulary import DEVICES_PER_NODE, KUEUE, MAX_NODES, RESERVED_USD_PER_NODE_HOUR, SHARING, SOURCE, USD_PER_NODE_HOUR

PRIORITIES: Mapping[str, tuple[int, str]] = {
    "critical": (100_000, "online serving that people wait for"),
    "standard": (10_000, "online serving"),
    "batch": (100, "work that can wait and may be preempted"),
}
"""Workload priorities: value and meaning; a higher value is admitted first and preempts lower ones."""


def priority_class(priority: str) -> str:
    """Name of the WorkloadPriorityClass of a priority."""
    return f"gpuplane-{priority}"


@dataclass(frozen=True)
class TaintArgs:
    """A node taint in the Kubernetes spelling."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True)
class FlavorArgs:
    """A pool as Kueue sees it.

    Attributes:
        node_labels: labels that its nodes have (at most 8).
        taints: taints on its nodes; workloads must tolerate them.
        devices_per_node: device resource to devices on one node.
        sharing: ``dedicated``, ``mig`` or ``time-slicing``.
        max_nodes, usd_per_node_hour: of existing nodes; None where a node group says so itself.
        reserved_usd_per_node_hour: of its reserved nodes; None where none are.
        source: document that asked for it.
        topology: name of the Topology that its nodes are in; once set, it and the node labels cannot change.
    """

    node_labels: Mapping[str, str]
    taints: tuple[TaintArgs, ...] = ()
    devices_per_node: Mapping[str, int] = field(default_factory=dict)
    sharing: str = "dedicated"
    max_nodes: int | None = None
    usd_per_node_hour: str | None = None
    reserved_usd_per_node_hour: str | None = None
    source: str = ""
    topology: str | None = None


@dataclass(frozen=True)
class CohortArgs:
    """A Cohort.

    Attributes:
        parent: Cohort it belongs to; None at the root, where it has no limits.
        quotas: what it brings for all its members: flavor to resource to quota.
        fair_sharing_weight: weight for Kueue's fair sharing; None leaves it to Kueue.
    """

    parent: str | None = None
    quotas: Mapping[str, Mapping[str, QuotaArgs]] = field(default_factory=dict)
    fair_sharing_weight: str | None = None


@dataclass(frozen=True)
class GpuQuotasArgs:
    """Flavors by pool, cohorts by name, and topologies by name, each the node labels of its levels, the widest first."""

    flavors: Mapping[str, FlavorArgs]
    cohorts: Mapping[str, CohortArgs] = field(default_factory=dict)
    topologies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class GpuQuotas(pulumi.ComponentResource):
    """Flavors, cohorts and priorities of a cluster."""

    def __init__(self, name: str, args: GpuQuotasArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:GpuQuotas", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        topologies = {name: KubernetesObject(name, topology(name, levels), child) for name, levels in sorted(args.topologies.items())}
        for pool in sorted(args.flavors):
            needed = [topologies[name] for name in [args.flavors[pool].topology] if name in topologies]
            KubernetesObject(pool, flavor(pool, args.flavors[pool]),
                             pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=needed)) if needed else child)
        for cohort in sorted(args.cohorts):
            KubernetesObject(cohort, {"apiVersion": KUEUE, "kind": "Cohort", "metadata": metadata(cohort),
                                      "spec": _cohort(args.cohorts[cohort])}, child)
        for priority, (value, description) in sorted(PRIORITIES.items()):
            KubernetesObject(priority, {"apiVersion": KUEUE, "kind": "WorkloadPriorityClass",
                                        "metadata": metadata(priority_class(priority)),
                                        "value": value, "description": description}, child)
        self.register_outputs({"flavors": sorted(args.flavors)})


def topology(name: str, levels: tuple[str, ...]) -> Manifest:
    """A Topology; its levels cannot change."""
    return {"apiVersion": KUEUE, "kind": "Topology", "metadata": metadata(name), "spec": {"levels": [{"nodeLabel": one} for one in levels]}}


def _cohort(args: CohortArgs) -> dict[str, Any]:
    spec: dict[str, Any] = {"parentName": args.parent} if args.parent else {}
    groups = resource_groups(args.quotas, limits=args.parent is not None, missing=QuotaArgs(0))
    if groups:
        spec["resourceGroups"] = groups
    if args.fair_sharing_weight is not None:
        spec["fairSharing"] = {"weight": args.fair_sharing_weight}
    return spec


def flavor(pool: str, args: FlavorArgs) -> Manifest:
    """The ResourceFlavor of a pool."""
    said = {DEVICES_PER_NODE: json.dumps(dict(args.devices_per_node), sort_keys=True), SHARING: args.sharing, SOURCE: args.source,
            MAX_NODES: str(args.max_nodes or ""), USD_PER_NODE_HOUR: args.usd_per_node_hour or "",
            RESERVED_USD_PER_NODE_HOUR: args.reserved_usd_per_node_hour or ""}
    spec: dict[str, Any] = {"nodeLabels": dict(sorted(args.node_labels.items()))}
    if args.taints:
        spec["nodeTaints"] = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in args.taints]
    if args.topology is not None:
        spec["topologyName"] = args.topology
    return {"apiVersion": KUEUE, "kind": "ResourceFlavor",
            "metadata": metadata(pool, annotations={key: value for key, value in said.items() if value}), "spec": spec}
