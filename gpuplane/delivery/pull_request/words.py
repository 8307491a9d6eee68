"""Figures of a preview in the words of a comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import ceil

from gpuplane.delivery.pull_request.impact import Figure, QuotaImpact, ServiceImpact, services_of
from gpuplane.delivery.pull_request.preview_file import PreviewFile
from gpuplane.delivery.wording import plural, usd
from gpuplane.planning.memory.load_time import LoadTime
from gpuplane.planning.money.month import LEVELS, Month

ICONS: Mapping[str, str] = {"pass": "✅", "fail": "⛔", "unknown": "⚠️"}
WORDS: Mapping[str, str] = {"pass": "PASS", "fail": "REFUSED", "unknown": "UNKNOWN"}


def minutes(seconds: int) -> str:
    """``1 min``, ``4 min``: whole minutes, up."""
    return f"{ceil(seconds / 60)} min"


def load_text(load: LoadTime) -> str:
    """How long a replica loads, and what that rests on."""
    rate = f"{load.weights_gib:.0f} GiB at {load.gb_per_second:g} GB/s ({'measured' if load.measured else 'assumed'})"
    return f"about {minutes(load.expected)} ({minutes(load.low)} to {minutes(load.high)}): {rate}, and warm-up"


def down_text(service: ServiceImpact) -> str:
    """Whether, and for how long, no replica answers."""
    load = load_text(service.load) if service.load is not None else "how long is not known: its weights are not"
    if service.action == "delete":
        return "gone for good"
    if service.action == "create":
        return f"first answer after {load}" if service.load is not None else "new"
    if service.down:
        return f"**down** {load}"
    if not service.replicas:
        return "none: nothing of it always runs"
    if not service.at_a_time:
        return "none, but the rollout waits for a free GPU"
    whole = f"; all are new after about {minutes(service.rollout_seconds)}" if service.rollout_seconds is not None else ""
    return f"none: {service.at_a_time} of {service.replicas} at a time, each {load}{whole}"


def surge_text(service: ServiceImpact) -> str:
    """Where a rollout's surge finds its GPUs."""
    if service.action != "update" or not service.surge:
        return "no surge"
    gpus = plural(service.surge_devices, "GPU")
    return {"own": f"{gpus} of its own spare", "borrowed": f"{gpus} to be borrowed", "none": f"**no {gpus} spare**",
            "": "not known"}[service.room]


def figure(value: Figure) -> str:
    """``4 → 6``, or ``4`` where it stays."""
    before, after = ("–" if number is None else str(number) for number in (value.before, value.after))
    return after if before == after else f"{before} → {after}"


def quota_text(row: QuotaImpact) -> str:
    """``h100 4 → 6``, with what it can use at most, runs at minimum and needs at its peak where these move."""
    moved = [(word, each) for word, each in (("at most", row.maximum), ("always on", row.committed), ("peak", row.peak))
             if each.before != each.after]
    return ", ".join([f"{row.key} {figure(row.nominal)}", *(f"{word} {figure(each)}" for word, each in moved)])


def month_text(before: Month | None, after: Month | None) -> tuple[str, ...]:
    """Before → after of each level: minimum, expected, worst case."""
    return tuple(_amounts(before, after, level) for level in LEVELS)


def _amounts(before: Month | None, after: Month | None, level: str) -> str:
    old, new = (_amount(month, level) for month in (before, after))
    return new if old == new else f"{old} → {new}"


def _amount(month: Month | None, level: str) -> str:
    if month is None:
        return "–"
    amount: Decimal | None = getattr(month, f"{level}_usd_per_month")
    return usd(amount)


def month_change(preview: PreviewFile) -> str:
    """The environment's month at its minimum, as expected and at worst."""
    before = preview.impact.before if preview.impact is not None else None
    after = preview.plan.money.month
    if before is None:
        return " / ".join(usd(after.at(level)) for level in LEVELS)
    return " / ".join(_amounts(before, after, level) for level in LEVELS)


def restart_counts(preview: PreviewFile) -> str:
    """``2 restart, 1 down``; what is not there is left out."""
    return "not compared" if preview.impact is None else _counts(list(services_of(preview.impact))) or "none restarts"


def services_text(found: Sequence[ServiceImpact]) -> str:
    """How many of a tenant's services restart, and how long the worst of them is down; Markdown."""
    down = [each for each in found if each.down and each.action in ("update", "replace")]
    if not down:
        return f"{_counts(found)}, none down" if any(each.action == "update" for each in found) else _counts(found) or "no restart"
    loads = [each.load.expected for each in down if each.load is not None]
    long = f"about {minutes(max(loads))}" if len(loads) == len(down) else "for a time that is not known"
    return f"{_counts(found)}; **down {long}**"


def _counts(found: Sequence[ServiceImpact]) -> str:
    counts = {"down": sum(each.down and each.action == "update" for each in found),
              "replaced": sum(each.action == "replace" for each in found), "gone": sum(each.action == "delete" for each in found),
              "restart": sum(each.action == "update" and not each.down for each in found),
              "new": sum(each.action == "create" for each in found)}
    return ", ".join(f"{count} {word}{'s' if word == 'restart' and count == 1 else ''}" for word, count in counts.items() if count)
