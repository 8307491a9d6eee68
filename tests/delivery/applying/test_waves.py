"""Stacks side by side, wave after wave."""

from __future__ import annotations

import threading
import time

from gpuplane.delivery.applying.outcome import Outcome, exit_status
from gpuplane.delivery.applying.waves import Wave, run_waves
from gpuplane.spec.environment_spec import StackKey


def _key(name: str) -> StackKey:
    return StackKey("tenants", name)


def _not_begun(key: StackKey, why: str) -> Outcome:
    return Outcome(key, key.tenant, "not begun", reason=why)


def _run(waves: tuple[Wave, ...], bad: set[str], parallel: int = 2, stopped: threading.Event | None = None) -> tuple[list[str], tuple[Outcome, ...]]:
    begun: list[str] = []

    def work(key: StackKey) -> Outcome:
        begun.append(key.tenant)
        return Outcome(key, key.tenant, "failed" if key.tenant in bad else "applied", attempts=1)

    return begun, run_waves(waves, work, _not_begun, parallel, (stopped or threading.Event()).is_set)


def test_a_failure_leaves_the_others_of_its_wave_done_and_ends_the_run_after_it() -> None:
    waves = ((_key("a"), _key("b"), _key("c")), (_key("d"),))

    begun, outcomes = _run(waves, {"a"})

    assert sorted(begun) == ["a", "b", "c"]
    assert [outcome.result for outcome in outcomes] == ["failed", "applied", "applied", "not begun"]
    assert outcomes[-1].reason == "a before it is not done"
    assert exit_status(outcomes) == 3


def test_outcomes_are_in_the_order_of_the_waves_whoever_is_done_first() -> None:
    keys = tuple(_key(name) for name in "abcdef")

    def work(key: StackKey) -> Outcome:
        time.sleep(0.03 if key.tenant in "ace" else 0.0)
        return Outcome(key, key.tenant, "applied", attempts=1)

    outcomes = run_waves((keys,), work, _not_begun, 3, lambda: False)

    assert [outcome.name for outcome in outcomes] == list("abcdef")


def test_never_more_at_once_than_asked_for() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def work(key: StackKey) -> Outcome:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return Outcome(key, key.tenant, "applied", attempts=1)

    run_waves((tuple(_key(f"t{number}") for number in range(9)),), work, _not_begun, 3, lambda: False)

    assert most == 3


def test_nothing_begins_after_an_interrupt() -> None:
    stopped = threading.Event()
    stopped.set()

    begun, outcomes = _run(((_key("a"),),), set(), stopped=stopped)

    assert begun == []
    assert [outcome.result for outcome in outcomes] == ["not begun"]
    assert exit_status(outcomes) == 1
