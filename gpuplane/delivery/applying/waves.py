"""Stacks side by side, at most so many at once, wave after wave.

Inside a wave a failure stops nobody else; after it no further wave begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

Wave = tuple[StackKey, ...]


def waves_of(spec: EnvironmentSpec, layers: Iterable[str], tenants: Sequence[str] = ()) -> tuple[Wave, ...]:
    """Waves in the order they are applied: layer after layer, and the tenants' stacks as ``applying.waves`` says, the others last.

    Args:
        spec: the wish.
        layers: layers to apply, in order.
        tenants: only these tenants' stacks; empty for all.
    """
    found: list[Wave] = []
    for layer in layers:
        keys = tuple(key for key in spec.stacks_of(layer) if not tenants or key.tenant in tenants)
        found += _in_waves(spec, keys) if keys and keys[0].tenant else [keys]
    return tuple(wave for wave in found if wave)


def _in_waves(spec: EnvironmentSpec, keys: Wave) -> list[Wave]:
    named = spec.environment.spec.applying.waves
    place = {tenant: index for index, wave in enumerate(named) for tenant in wave}
    return [tuple(key for key in keys if place.get(key.tenant, len(named)) == index) for index in range(len(named) + 1)]


def run_waves(waves: Iterable[Wave], work: Callable[[StackKey], Outcome], not_begun: Callable[[StackKey, str], Outcome],
              parallel: int, stopped: Callable[[], bool], done: Callable[[Outcome], None] = lambda _: None) -> tuple[Outcome, ...]:
    """Do some work on every stack.

    Args:
        waves: the stacks.
        work: on one stack, in a thread; what it raises is a defect.
        not_begun: what is said of a stack that was not tried, and why.
        parallel: how many at once, at least 1.
        stopped: whether nothing new is to begin.
        done: called with each outcome, in this thread.

    Returns:
        Outcomes in the order of the waves.
    """
    outcomes: list[Outcome] = []
    failed = ""
    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="stack") as pool:
        for wave in waves:
            if stopped() or failed:
                outcomes += [not_begun(key, failed) for key in wave]
                continue
            found = _run_wave(wave, work, not_begun, pool, parallel, stopped, done)
            outcomes += found
            lost = [outcome.name for outcome in found if not outcome.is_done]
            failed = f"{', '.join(lost)} before it {'is' if len(lost) == 1 else 'are'} not done" if lost else ""
    return tuple(outcomes)


def _run_wave(wave: Wave, work: Callable[[StackKey], Outcome], not_begun: Callable[[StackKey, str], Outcome], pool: ThreadPoolExecutor,
              parallel: int, stopped: Callable[[], bool], done: Callable[[Outcome], None]) -> list[Outcome]:
    left, running, found = list(wave), dict[Future[Outcome], StackKey](), dict[StackKey, Outcome]()
    while running or (left and not stopped()):
        while left and len(running) < parallel and not stopped():
            key = left.pop(0)
            running[pool.submit(work, key)] = key
        # Short waits, so that this thread, which gets the signals, can act on them.
        for future in wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done:
            found[running.pop(future)] = future.result()
            done(future.result())
    return [found.get(key) or not_begun(key, "") for key in wave]
