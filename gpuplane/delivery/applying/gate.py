"""What comes before the first stack: tools, backend, the pinned cluster, plan and rules, and the choice of stacks."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import date
from typing import TYPE_CHECKING

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.applying.break_glass import still_blocking
from gpuplane.delivery.applying.record_events import record_plan, record_verdict
from gpuplane.delivery.applying.states import outputs, resources, tenant_stacks_there, tenants_in
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview_report import sentence
from gpuplane.spec.environment_spec import LAYERS, EnvironmentSpec
from gpuplane.stacks.cluster_identity import CERTIFICATE_AUTHORITY, ENDPOINT

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.delivery.preview_report import PreviewReport
    from gpuplane.planning.environment_plan import EnvironmentPlan


def require_ready(spec: EnvironmentSpec, layers: tuple[str, ...]) -> dict[str, str]:
    """Environment variables for Pulumi, once tools, backend and cluster are there.

    Raises:
        CannotStart: one of them is not; nothing was touched.
    """
    unknown = [layer for layer in layers if layer not in spec.layers]
    if unknown:
        raise CannotStart(f"{spec.name} has no layer {', '.join(unknown)}; it has: {', '.join(spec.layers)}.")
    variables = pulumi_engine.require_tools(spec)
    exported = _exported(spec, variables) if spec.environment.spec.known_by_export and layers != LAYERS[:1] else None
    pulumi_engine.require_cluster(spec, layers, exported)
    return variables


def _exported(spec: EnvironmentSpec, variables: Mapping[str, str]) -> Mapping[str, str]:
    """By what the cluster is known that gpuplane created.

    Raises:
        CannotStart: it is not there yet, or its stack does not say so yet.
    """
    name, cluster = spec.stack_name(LAYERS[0]), spec.environment.spec.cluster
    found = outputs(name, variables)
    if found.get(ENDPOINT) and found.get(CERTIFICATE_AUTHORITY):
        return found
    place = spec.places[("Environment", spec.name)]
    raise CannotStart(
        f"{place.file}:{place.line('spec.cluster')} spec.cluster: the stack {name} exports no cluster yet, so no kubeconfig can be held "
        f"against it. First `gpuplane up {spec.name} --layer {LAYERS[0]}`, then `aws eks update-kubeconfig --name {cluster.name} "
        f"--alias {cluster.context}`, then this again. Nothing was touched.")


def planned_of(spec: EnvironmentSpec, as_of: date) -> EnvironmentPlan:
    """The plan alone, for what changes no wish."""
    from gpuplane.catalog import catalog_of
    from gpuplane.planning import plan

    return plan(spec, catalog_of(spec), as_of)


def judged(spec: EnvironmentSpec, as_of: date, console: Console) -> EnvironmentPlan | None:
    """The environment's plan if plan and rules pass, None after saying why not."""
    report = passed(spec, as_of, console)
    return report.plan if report is not None else None


def passed(spec: EnvironmentSpec, as_of: date, console: Console, *, glass_broken: bool = False,
           recorded: bool = False) -> PreviewReport | None:
    """The environment's preview, with the digests of its stacks, if plan and rules pass; None after saying why not.

    Args:
        glass_broken: what broken glass waives does not block.
        recorded: the verdict goes on the environment's record.

    Raises:
        CannotStart: it cannot be recorded.
    """
    from gpuplane.delivery.preview import preview as offline_preview

    with console.status("planning and judging") if console.is_terminal else nullcontext():
        report = offline_preview(spec, as_of)
    blocking = still_blocking(report.blocking) if glass_broken else report.blocking
    if recorded:
        record_plan(spec, report.stacks, [finding for finding in report.findings if finding.waived])
        waived_here = [] if blocking else [sentence(finding) for finding in report.blocking]
        record_verdict(spec, "fail" if blocking else "pass", len(report.rules), [sentence(finding) for finding in blocking], waived_here)
    if not blocking:
        waived = f", {len(report.blocking)} waived" if report.blocking else ""
        console.print(f"[green]✓[/] {spec.name}: {len(report.real_resources)} resources pass {len(report.rules)} rules{waived}")
        for finding in report.blocking:
            console.print(f"  waived: {sentence(finding)}", soft_wrap=True, markup=False, highlight=False)
        return report
    console.print(f"[red]✗[/] {spec.name} is refused; nothing is registered:")
    for finding in blocking:
        console.print(f"  {sentence(finding)}", soft_wrap=True, markup=False, highlight=False)
    return None


def require_migrated(spec: EnvironmentSpec, names: frozenset[str], variables: Mapping[str, str]) -> None:
    """Return only if the state is cut into stacks as the environment says: else an apply would make everything a second time.

    Raises:
        CannotStart: the choice of ``tenant_stacks`` was changed.
    """
    whole = spec.stack_name("tenants")
    place = spec.places[("Environment", spec.name)]
    where = f"{place.file}:{place.line('spec.tenant_stacks')} spec.tenant_stacks"
    move = f"Run `gpuplane migrate-stacks {spec.name}`, or take the change back."
    if spec.environment.spec.tenant_stacks:
        held = tenants_in(resources(whole, variables)) if whole in names else frozenset()
        if held:
            raise CannotStart(f"{where}: true, but the stack {whole} still holds {', '.join(sorted(held))}. {move}")
        return
    there = tenant_stacks_there(spec, names, variables)
    if there:
        said = ", ".join(pulumi_engine.name_of(spec, key) for key in there)
        raise CannotStart(f"{where}: false, but there are stacks of single tenants: {said}. {move}")
