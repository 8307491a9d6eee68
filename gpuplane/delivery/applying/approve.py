"""``gpuplane approve``: what passes plan and rules, as somebody who may approve has seen it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from gpuplane.delivery.applying.actor import actor
from gpuplane.delivery.applying.approval import approval_text, may_approve
from gpuplane.delivery.applying.gate import passed
from gpuplane.delivery.applying.record_events import record_approval
from gpuplane.delivery.applying.run_record import stamp
from gpuplane.delivery.applying.waves import waves_of
from gpuplane.delivery.exit_status import REFUSED, CannotStart, Stop
from gpuplane.spec.environment_spec import EnvironmentSpec

if TYPE_CHECKING:
    from rich.console import Console


class Refused(Stop):
    """What is refused cannot be approved."""

    status = REFUSED


def approval_of(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, tenants: tuple[str, ...], reason: str,
                lift: tuple[str, ...]) -> str:
    """An approval of stacks, as the text of its file.

    Raises:
        CannotStart: whoever runs this may not approve, or there is no such stack.
        Refused: plan and rules do not pass.
    """
    who = actor()
    if not may_approve(spec, who):
        wanted, place = spec.environment.spec.applying.approval, spec.places[("Environment", spec.name)]
        raise CannotStart(f"{who} may not approve; {place.file}:{place.line('spec.applying.approval')} spec.applying.approval.approvers "
                          f"allows {', '.join(wanted.approvers) if wanted else 'nobody'}.")
    report = passed(spec, as_of, console)
    if report is None:
        raise Refused(f"{spec.name} is refused: what is refused cannot be approved.")
    known = {one.key: one for one in report.stacks}
    digests = [known[key] for wave in waves_of(spec, layers, tenants) for key in wave if key in known]
    if not digests:
        raise CannotStart(f"{spec.name} has no such stack: {', '.join(tenants or layers)}.")
    try:
        record_approval(spec, who, reason, digests, lift)
    except CannotStart as error:  # a job that sees the wish alone has no way to the state; whoever applies records who approved
        console.print(f"not on the audit, up puts it there: {error}", soft_wrap=True, markup=False, highlight=False)
    for one in digests:
        console.print(f"{one.name}: {one.resources} resources, {one.digest}", soft_wrap=True, highlight=False)
    return approval_text(spec.name, digests, who, reason, stamp(datetime.now(UTC)), lift)
