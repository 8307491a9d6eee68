"""An environment of which only what is new is rendered: its tenants in outline, and its layers that are no tenant's.

A child renders while this process reads outlines, and it alone imports Pulumi's SDK, which takes longer than a layer to render.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gpuplane.delivery.packed_views import Views
from gpuplane.delivery.stack_views import each_once
from gpuplane.delivery.tenant_outline import TenantOutline
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.own import NotOwnError


def outlined(spec: EnvironmentSpec, planned: EnvironmentPlan, progress: Callable[[str], None], renders: TenantRenders,
             ) -> tuple[Views, Mapping[str, TenantOutline]] | None:
    """Resources of all layers but the tenants', and an outline of each tenant; None where they cannot be had one by one, or most are new.

    Args:
        spec, planned: the wish and its plan.
        progress: called with a line for each layer.
        renders: tenants that were rendered before.
    """
    def rest() -> Views:
        from gpuplane.delivery.offline_engine import render_layer

        return each_once(views for layer in spec.layers if layer != "tenants" for views in render_layer(spec, planned, layer).values())

    try:
        found = renders.outlined(spec, planned, one_tenant(spec), rest)
    except (NotOwnError, OSError):
        return None
    for layer in spec.layers if found is not None else ():
        progress(f"rendering layer {layer}")
    return found


def one_tenant(spec: EnvironmentSpec) -> Callable[[EnvironmentSpec, EnvironmentPlan, str], Views]:
    """What renders one tenant of an environment, from what is its own; Pulumi's SDK is imported when it is first called."""
    def one(own: EnvironmentSpec, its_plan: EnvironmentPlan, tenant: str) -> Views:
        from gpuplane.delivery.offline_engine import tenant_renderer

        return tenant_renderer(spec)(own, its_plan, tenant)

    return one
