"""Which pool a pod lands on: the join of a template's node selector with the labels that pools select by.

Like Kueue, a flavor is open to a pod unless the pod asks for another value of one of the flavor's own labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpuplane.graph.device_pools import DevicePool
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import items, lookup, mapping
from gpuplane.graph.workloads import devices_of


def node_choices(template: PodTemplate) -> Mapping[str, frozenset[str]]:
    """Node labels a pod insists on, with the values it takes: its node selector, and required affinity with one term."""
    wanted = {str(key): frozenset([str(value)]) for key, value in mapping(template.spec.get("nodeSelector")).items()}
    terms = items(lookup(template.spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution",
                         "nodeSelectorTerms"))
    for expression in items(lookup(terms[0], "matchExpressions")) if len(terms) == 1 else []:
        if lookup(expression, "operator") == "In":
            values = frozenset(str(value) for value in items(lookup(expression, "values")))
            key = str(lookup(expression, "key"))
            wanted[key] = wanted.get(key, values) & values
    return wanted


def open_to(template: PodTemplate, node_labels: Mapping[str, Any]) -> bool:
    """Whether nodes with these labels may take the pod; labels they do not speak of are left to the scheduler."""
    return _open(node_choices(template), node_labels)


def candidates(template: PodTemplate, pools: Iterable[DevicePool], resource: str | None = None) -> list[DevicePool]:
    """Pools that a pod may land on: those it names by all their labels, else all that it does not exclude.

    Args:
        template: the pods.
        pools: where they could go.
        resource: only pools that have this device, or do not say what they have.
    """
    wanted = node_choices(template)
    found = [pool for pool in pools if _open(wanted, pool.node_labels)
             and (resource is None or not pool.devices_per_node or resource in pool.devices_per_node)]
    named = [pool for pool in found if pool.node_labels and wanted.keys() >= pool.node_labels.keys()] if wanted else []
    return named or found


def _open(wanted: Mapping[str, frozenset[str]], node_labels: Mapping[str, Any]) -> bool:
    # Every workload asks every pool: a generator takes twice as long.
    return not [key for key, values in wanted.items() if key in node_labels and str(node_labels[key]) not in values]


def pool_of(template: PodTemplate, pools: Sequence[DevicePool]) -> DevicePool | None:
    """The pool that pods of a template land on; of several the dearest, one without a price before all others."""
    devices = devices_of(template)
    found = [pool for pool in candidates(template, pools) if all(name in pool.devices_per_node for name in devices)]
    return max(found, key=lambda pool: (pool.usd_per_node_hour is None, pool.usd_per_node_hour or 0, pool.name), default=None)
