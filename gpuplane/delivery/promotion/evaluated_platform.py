"""What a release runs on, beside itself: gpuplane and its rules, installed charts, the GPU. Evidence binds it."""

from __future__ import annotations

from gpuplane import __version__
from gpuplane.delivery.rules_digest import rules_digest
from gpuplane.planning.chart_rules import CHARTS, block_of
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.evaluation import EvaluatedPlatform


def platform_of(spec: EnvironmentSpec, plan: EnvironmentPlan, entry: ServiceEntry) -> EvaluatedPlatform:
    """What a service of an environment runs on."""
    placement = entry.document.spec.placement
    gpu = plan.pools[placement.pool].gpu if placement.pool in plan.pools else placement.pool
    charts = {name: block.version for name in CHARTS if (block := block_of(spec, name)) is not None}
    return EvaluatedPlatform(
        gpuplane=__version__, rules=rules_digest().digest, charts=charts,
        gpu=gpu if placement.profile is None else f"{gpu}/{placement.profile}",
        devices_per_replica=entry.document.spec.devices_per_replica)
