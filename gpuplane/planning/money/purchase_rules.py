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
        field, device = ("spec.gpu", pool.spec.gpu) if pool.spec.tpu is None else ("spec.tpu.machine_type", pool.spec.tpu.machine_type)
        if settings.allowed_gpus and device not in settings.allowed_gpus:
            yield refused(GPU_NOT_ALLOWED, spec.places[("NodePool", name)], field,
                          f"{device} is not one of the GPUs that {spec.name} allows: {', '.join(sorted(settings.allowed_gpus))}.",
                          "Choose one of them, or add it to allowed_gpus of environment.yaml.", device)
    if not settings.protected:
        return
    for entry in spec.services.values():
        found = spec.pools.get(entry.document.spec.placement.pool)
        nodes = found.spec.aws_nodes if found is not None else None
        if nodes is not None and "spot" in nodes.purchases and entry.document.spec.priority != "batch":
            yield refused(
                SPOT_SERVING, entry.place, "spec.placement.pool",
                f"its replicas serve in a protected environment, and {'all nodes' if nodes.purchases == ('spot',) else 'nodes'} of pool "
                f"\"{entry.document.spec.placement.pool}\" {'are' if nodes.purchases == ('spot',) else 'may be'} spot, "
                "which the cloud takes back at two minutes' notice.",
                "Choose an on-demand pool, or set priority: batch if the work can wait.", tenant=entry.tenant)
