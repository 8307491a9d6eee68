"""Breaking the glass: an apply without an approval, by whoever the environment allows, with a reason, on the record.

It waives the approval, the stop at drift, and money. No other rule is ever skipped: what isolates tenants, protects data, keeps quotas or
wires things up holds at three in the morning too.
"""

from __future__ import annotations

from collections.abc import Iterable

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.policies.finding import Finding
from gpuplane.spec.environment_spec import EnvironmentSpec

WAIVED = ("CB-",)
"""How ids of rules begin that it waives: cost and budgets. Everything that is not listed holds."""
_SHORTEST_REASON = 10


def require_allowed(spec: EnvironmentSpec, who: str, reason: str) -> None:
    """Return only if somebody may break the glass, and says why.

    Raises:
        CannotStart: the environment does not allow it, or there is no reason.
    """
    place = spec.places[("Environment", spec.name)]
    allowed = spec.environment.spec.applying.break_glass
    where = f"{place.file}:{place.line('spec.applying.break_glass')} spec.applying.break_glass"
    if allowed is None:
        raise CannotStart(f"{where}: {spec.name} allows nobody to break the glass. Get an approval (`gpuplane approve {spec.name}`).")
    if who not in allowed.allowed:
        raise CannotStart(f"{where}: {who} may not break the glass; allowed: {', '.join(allowed.allowed)}.")
    if len(reason.strip()) < _SHORTEST_REASON:
        raise CannotStart(f"--break-glass {reason!r}: say why, in {_SHORTEST_REASON} characters or more; it goes on the record.")


def still_blocking(blocking: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings that stop an apply even so."""
    return tuple(finding for finding in blocking if not finding.rule.startswith(WAIVED))
