"""A real Kueue as the judge of the admission model: the same trees, the same workloads, the same answer.

What is compared: which workloads hold quota, how much in which flavor, which of them are being evicted, which are pending, and what
each ClusterQueue borrows, each time that a tree has come to rest. Trees whose outcome the model finds to depend on when the scheduler
sees what (:func:`timings`) are left out, and the next seed is taken. No step waits for a time: Kueue's own doings say how far it has
come (:class:`KueueClock`), so that a loaded machine takes longer and says the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gpuplane.planning.cohorts.scheduling import NeverSettles, Scheduler, Timing, timings
from gpuplane.planning.cohorts.workloads import Setting
from tests.integration.cluster import Cluster
from tests.integration.cohort_trees import Case
from tests.integration.kueue_trees import KueueTrees, State

CYCLES = 16
"""Scheduling cycles that pass between two looks: more than any round of the model takes."""
MOST_STILL = 6
"""Looks without any change after which a state that is not the expected one is taken for final."""
MOST_LOOKS = 60
"""Looks after which workloads that still come and go are not waited for."""
Step = tuple[int, State]
"""A phase, and the state when it has come to rest."""
MOST_ROUNDS = 6


@dataclass(frozen=True)
class Asked:
    """A case and what the model says: one sequence of steps, whatever the timing."""

    case: Case
    steps: tuple[Step, ...]

    def of(self, phase: int) -> list[State]:
        """States that one phase goes through."""
        return [state for at, state in self.steps if at == phase]


def steps(one: Case, timing: Timing) -> tuple[Step, ...] | None:
    """What the model says of a case: a state each time that nothing moves but evictions; None where that never ends, or the gate does not hold."""
    scheduler = Scheduler(one.setting, timing)
    found: list[Step] = []
    try:
        for phase, workloads in enumerate(one.phases):
            scheduler.submit(workloads)
            while True:
                awaited = scheduler.round()
                if scheduler.scanning:  # a closed gate would not hold it: it would act alone at the opening, before those that are parked
                    return None
                found.append((phase, State.of_model(scheduler)))
                if not awaited:
                    break
                scheduler.finish_evictions()
                if len(found) > MOST_ROUNDS:
                    return None
    except NeverSettles:
        return None
    return tuple(found)


def asked(made: Callable[[int], Case], first_seed: int, count: int) -> Iterator[Asked]:
    """The first so many cases whose outcome does not depend on timing."""
    seed = first_seed
    while count:
        one = made(seed)
        seed += 1
        only = steps(one, Timing())
        if only is not None and all(steps(one, timing) == only for timing in timings(
                any(state.evicted for _, state in only), one.setting.is_fair)):
            count -= 1
            yield Asked(one, only)


def is_settled_by_weights(one: Asked) -> bool:
    """Whether it would end otherwise where nobody looks at weights."""
    setting = Setting(one.case.setting.queues, one.case.setting.cohorts)
    return steps(replace(one.case, setting=setting), Timing()) != one.steps


def differences(cluster: Cluster, cases: dict[str, Asked]) -> dict[str, str]:
    """What differs, in words, by tree; said as soon as it is seen."""
    trees = KueueTrees(cluster, f"k{int(time.time()) % 1_000_000:x}")
    wrong: dict[str, str] = {}
    try:
        trees.create([one.case for one in cases.values()])
        for phase in range(max(len(one.case.phases) for one in cases.values())):
            for name, text in _phase(trees, {name: one for name, one in cases.items() if name not in wrong}, phase):
                print(text)
                wrong[name] = text
    finally:
        trees.remove()
    return wrong


def _phase(trees: KueueTrees, cases: dict[str, Asked], phase: int) -> Iterator[tuple[str, str]]:
    """Submit one phase of every tree, and go through its rounds; what differs, in words."""
    pending = max(sum(map(len, one.case.phases[:phase + 1])) for one in cases.values())
    trees.submit({name: one.case.phases[phase] for name, one in cases.items() if phase < len(one.case.phases)})
    ahead = {name: states for name, one in cases.items() if (states := one.of(phase))}
    step = 0
    while ahead:
        expected = {name: states[0] for name, states in ahead.items()}
        trees.open(expected)
        seen = _settled(trees, expected)
        differing = [name for name in expected if seen[name] != expected[name]]
        for name in differing:
            yield name, f"{name}, step {step} of phase {phase}:\n  model: {expected[name]}\n  Kueue: {seen[name]}"
        trees.close(expected, pending)
        going_on = [name for name, states in ahead.items() if len(states) > 1 and name not in differing]
        if going_on:
            trees.give_back([(name, workload) for name in going_on for workload in sorted(expected[name].evicted)], pending)
        ahead, step = {name: ahead[name][1:] for name in going_on}, step + 1


def _settled(trees: KueueTrees, expected: dict[str, State]) -> dict[str, State]:
    """What Kueue came to: as expected, still so some cycles later, or whatever it is when it has moved no more for long."""
    before: dict[str, State] | None = None
    still, seen = 0, dict[str, State]()
    for _ in range(MOST_LOOKS):
        trees.clock.cycles(CYCLES)
        if before is not None and before != expected:
            trees.clock.released()  # a second at least: retries and writes that are under way come to their end
        state = trees.state()
        seen = {name: state.get(name, State()) for name in expected}
        still = still + 1 if seen == before else 0
        if still >= (1 if seen == expected else MOST_STILL):
            break
        before = seen
    return seen
