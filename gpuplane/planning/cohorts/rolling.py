"""Whether a rolling update of all services at once comes to its end where quota is short.

A new pod queues like any other, and an old one gives its quota back only when it is removed. The steps are those of the
Deployment controller (``pkg/controller/deployment/rolling.go`` of Kubernetes 1.36): new pods up to the surge, then old ones that
do not run, then old ones that do, never fewer available than ``max_unavailable`` leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Course, Replicas, courses
from gpuplane.planning.cohorts.scheduling import NeverSettles
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Strategy:
    """``rollingUpdate`` of a Deployment, in pods."""

    max_surge: int
    max_unavailable: int


def finished_rollouts(spec: EnvironmentSpec, planned: EnvironmentPlan, steps: list[Replicas],
                      strategies: Mapping[str, Strategy]) -> Mapping[str, bool | None] | NotKnown:
    """Whether no pod of the old template is left in the end, by service; None where the clock decides.

    Args:
        steps: replicas of every step until the rollout begins, the last as it is then.
        strategies: of the services that are rolled out.
    """
    runs = courses(spec, planned)
    if isinstance(runs, NotKnown):
        return runs
    try:
        found = [_rolled(run, steps, strategies) for run in runs]
    except NeverSettles:
        return NotKnown("replicas of these priorities would preempt each other without end")
    return {name: found[0][name] if len({each[name] for each in found}) == 1 else None for name in sorted(strategies)}


def _rolled(run: Course, steps: list[Replicas], strategies: Mapping[str, Strategy]) -> dict[str, bool]:
    run.follow(steps)
    old = {name: run.pods(name) for name in strategies}
    for _ in range(_MOST_ROUNDS):
        before = {name: run.pods(name) for name in strategies}
        for name, strategy in strategies.items():
            _step(run, name, strategy, steps[-1].get(name, 0), old[name])
        run.settle()
        if {name: run.pods(name) for name in strategies} == before:
            break
    return {name: not old[name] & run.pods(name) for name in strategies}


def _step(run: Course, name: str, strategy: Strategy, wanted: int, old: frozenset[str]) -> None:
    """One look of the Deployment controller."""
    there = run.pods(name)
    new = there - old
    run.add(name, max(0, min(wanted - len(new), wanted + strategy.max_surge - len(there))))
    there = run.pods(name)
    left, new = there & old, there - old
    held, least = run.held(name), wanted - strategy.max_unavailable
    room = len(there) - least - len(new - held)
    if room <= 0:
        return
    idle = sorted(left - held)[:room]
    spare = max(0, len(there & held) - least)
    run.remove(name, [*idle, *sorted(left & held)[:spare]])
