"""How GPUs may be bought: spot (CB-06), and which models an environment allows (CB-09)."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.planning.refusal import GPU_NOT_ALLOWED, SPOT_SERVING, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec


def purchase_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CB-06 and CB-09 of every pool and service.

    Spot capacity is taken back at two minutes' notice (AWS EC2 User Guide, "Spot Instance interruptions"), so in a protected
    environment only work of priority ``batch`` may stand on it.
    """
    settings = spec.environment.spec
    for name, pool in sorted(spec.pools.items()):
        if settings.allowed_gpus and pool.spec.gpu not in settings.allowed_gpus:
            yield refused(GPU_NOT_ALLOWED, spec.places[("NodePool", name)], "spec.gpu",
                          f"{pool.spec.gpu} is not one of the GPUs that {spec.name} allows: {', '.join(sorted(settings.allowed_gpus))}.",
                          "Choose one of them, or add it to allowed_gpus of environment.yaml.", pool.spec.gpu)
    if not settings.protected:
        return
    for entry in spec.services.values():
        found = spec.pools.get(entry.document.spec.placement.pool)
        group = found.spec.eks_managed_node_group if found is not None else None
        if group is not None and group.capacity_type == "spot" and entry.document.spec.priority != "batch":
            yield refused(
                SPOT_SERVING, entry.place, "spec.placement.pool",
                f"its replicas serve in a protected environment, and all nodes of pool \"{entry.document.spec.placement.pool}\" are spot, "
                "which the cloud takes back at two minutes' notice.",
                "Choose an on-demand pool, or set priority: batch if the work can wait.", tenant=entry.tenant)
