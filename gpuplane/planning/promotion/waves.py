"""Waves: tenants in the order in which they move. Nobody moves before those of the wave before have, and have stood it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from gpuplane.planning.promotion.applied_gate import Newest, applied_result
from gpuplane.planning.promotion.gate import GateResult
from gpuplane.planning.promotion.state_gates import HOUR, Running
from gpuplane.spec.promotion import Wave

GATE = "waves"


def wave_of(service: str, waves: Sequence[Wave]) -> int:
    """Index of the wave that a ``TENANT/SERVICE`` moves with; the last, which is not written, has those that no wave names."""
    tenant = service.partition("/")[0]
    return next((index for index, wave in enumerate(waves) if tenant in wave.tenants), len(waves))


def next_services(waiting: Collection[str], waves: Sequence[Wave]) -> tuple[str, ...]:
    """What moves next: those of the first wave that has anything waiting, sorted."""
    first = min((wave_of(service, waves) for service in waiting), default=0)
    return tuple(sorted(service for service in waiting if wave_of(service, waves) == first))


def wave_results(moving: Collection[str], waiting: Collection[str], waves: Sequence[Wave], running: Mapping[str, Running], now: int,
                 ) -> Iterator[GateResult]:
    """Whether the waves before those that move are done.

    Args:
        moving: services that would move now.
        waiting: services that differ from the source, those included.
        running: since when the target has what it runs, by service of the waves before.
        now: Unix time.
    """
    last = max((wave_of(service, waves) for service in moving), default=0)
    behind = sorted(service for service in waiting if wave_of(service, waves) < last and service not in moving)
    if behind:
        yield GateResult(GATE, "", "fail", f"wave {wave_of(behind[0], waves) + 1} comes first: {', '.join(behind[:5])}",
                         "Promote without --service, which takes the next wave.")
    for index, wave in enumerate(waves[:last]):
        for service, since in sorted(running.items()):
            if wave_of(service, waves) != index or service in behind or not wave.hours:
                continue
            stood = max(0, now - since.seconds) / HOUR
            if stood < wave.hours:
                yield GateResult(GATE, "", "unknown" if since.at_least else "fail",
                                 f"wave {index + 1}: {service} has run for {stood:.1f} of {wave.hours} hours, since {since.commit[:12]}",
                                 f"Wait another {wave.hours - stood:.1f} hours.")


def wave_applied_results(moving: Collection[str], running: Mapping[str, str], waves: Sequence[Wave], environment: str, newest: Newest,
                         now: int) -> Iterator[GateResult]:
    """Of the waves before those that move: what nobody knows to run what the target's files say.

    Args:
        moving: services that would move now.
        running: digest of what the target's files say, by service that has its release already.
        environment: the target's name.
        newest: as :func:`gpuplane.planning.promotion.applied_gate.newest_applied` gives it.
        now: Unix time.
    """
    last = max((wave_of(service, waves) for service in moving), default=0)
    for service, release in sorted(running.items()):
        if wave_of(service, waves) < last:
            found = applied_result(service, release, environment, newest, now)
            if found.blocks:
                yield replace(found, gate=GATE, service="", said=f"wave {wave_of(service, waves) + 1}: {service}: {found.said}")
