"""Access for an emergency ends: what is over, or lasts for longer than the environment allows, is refused (TI-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from gpuplane.planning.refusal import EMERGENCY_ACCESS, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec


def access_refusals(spec: EnvironmentSpec, as_of: date) -> Iterator[Refusal]:
    """Every ``break_glass`` whose last day is before ``as_of``, or more than ``policies.break_glass_days`` after it."""
    most = spec.environment.spec.policies.break_glass_days
    for name in sorted(spec.tenants):
        for index, each in enumerate(spec.tenants[name].spec.access.break_glass):
            last = date.fromisoformat(each.expires)
            place, path = spec.places[("Tenant", name)], f"spec.access.break_glass[{index}].expires"
            if last < as_of:
                yield refused(EMERGENCY_ACCESS, place, path, f"the emergency for which {each.group} had a shell ended on {last}.",
                              "Remove it; if it goes on, have it approved again with a new last day.", last, as_of, name)
            elif last > as_of + timedelta(days=most):
                days = (last - as_of).days
                yield refused(EMERGENCY_ACCESS, place, path,
                              f"a shell for {each.group} until {last} is {days} days of emergency; the environment allows {most}.",
                              f"End it by {as_of + timedelta(days=most)}.", f"{days} days", f"{most} days", name)
