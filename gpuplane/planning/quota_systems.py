"""CL-05: a node pool has one quota system, Kueue or Volcano; neither sees what the other admits. And what a topology asks of pools."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.planning.refusal import SCALING_TOPOLOGY, TWO_QUOTA_SYSTEMS, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec

_VOLCANO = "spec.volcano.pools"


def quota_system_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """What only Kueue does, asked for on pools that are Volcano's."""
    settings, place = spec.environment.spec, spec.places["Environment", spec.name]
    theirs = settings.volcano.pools if settings.volcano is not None else ()
    here = f"{place.file}:{place.line(_VOLCANO)} {_VOLCANO}"
    for entry in spec.services.values():
        pool = entry.document.spec.placement.pool
        if pool in theirs:
            yield refused(
                TWO_QUOTA_SYSTEMS, entry.place, "spec.placement.pool",
                f"services are admitted by Kueue, and {here} gives pool \"{pool}\" to Volcano: neither would "
                "count what the other runs there.", "Place it on another pool, or take the pool from Volcano.",
                "kueue", "volcano", entry.tenant)
    for path, pool in _kueues(spec):
        if pool in theirs:
            yield refused(
                TWO_QUOTA_SYSTEMS, place, path,
                f"this is Kueue's, and {here} gives pool \"{pool}\" to Volcano: a pool has one quota system.",
                "Remove it from one of the two.", "kueue", "volcano")
    yield from _fixed_nodes(spec)


def _kueues(spec: EnvironmentSpec) -> Iterator[tuple[str, str]]:
    """Where the environment itself gives Kueue a part in a pool: path and pool."""
    settings = spec.environment.spec
    for name, topology in settings.kueue.topologies.items():
        for pool in topology.pools:
            yield f"spec.kueue.topologies.{name}.pools", pool
    for name, cohort in settings.cohorts.items():
        for key in cohort.quota:
            yield f"spec.cohorts.{name}.quota.{key}", key.partition("/")[0]


def _fixed_nodes(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CL-06: with a topology Kueue admits only what fits nodes that are there, so a pool that should grow never would."""
    place = spec.places["Environment", spec.name]
    for name, topology in spec.environment.spec.kueue.topologies.items():
        for pool in topology.pools:
            nodes, block = spec.pools[pool].spec.aws_nodes, spec.pools[pool].spec.path
            if nodes is not None and nodes.least_nodes < nodes.max_nodes:
                at = spec.places["NodePool", pool]
                yield refused(
                    SCALING_TOPOLOGY, place, f"spec.kueue.topologies.{name}.pools",
                    f"pool \"{pool}\" has {nodes.least_nodes} to {nodes.max_nodes} nodes "
                    f"({at.file}:{at.line(f'{block}.{nodes.least_path}')}), and with a topology "
                    "Kueue admits only what fits nodes that are there: it would never grow.",
                    f"Set {nodes.least_path} to {nodes.max_nodes}, or take the pool out of the topology.", nodes.max_nodes,
                    nodes.least_nodes)
