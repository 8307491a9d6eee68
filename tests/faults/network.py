"""An API server that is slow, throttles, fails, drops watches, loses answers, or cannot be reached."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.bed import Bed, Done
from tests.faults.case import Case
from tests.faults.proxy import Answer, Cut, Drop, Fault, Request, Rule, Slow

GOOD, FAILED = frozenset({0}), frozenset({3})


def with_rule(rule: Callable[[], Rule]) -> Callable[[Bed], Done]:
    """A run through a proxy that does this harm from the beginning on."""
    def run(bed: Bed) -> Done:
        bed.proxy.rule = rule()
        return bed.up()
    return run


def always(fault: Fault) -> Callable[[], Rule]:
    """To every request."""
    return lambda: lambda _: fault


def to_writes(fault: Fault, first: int = 1, last: int = 10 ** 6) -> Callable[[], Rule]:
    """To some of the writes, counted from the beginning."""
    return lambda: lambda request: fault if first <= request.write <= last else None


def once(fault: Fault, method: str, part: str) -> Callable[[], Rule]:
    """To the first request of its sort."""
    def made() -> Rule:
        left = [fault]
        return lambda request: left.pop() if left and request.method == method and part in request.path and request.write else None
    return made


def from_write(fault: Fault, first: int) -> Callable[[], Rule]:
    """To everything, once so many writes have been asked for."""
    def made() -> Rule:
        seen = [0]

        def rule(request: Request) -> Fault | None:
            seen[0] = max(seen[0], request.write)
            return fault if seen[0] >= first else None
        return rule
    return made


def to_watches(fault: Fault) -> Callable[[], Rule]:
    """To every watch."""
    return lambda: lambda request: fault if request.is_watch else None


BUSY = Answer(429, "the server has received too many requests and has asked us to try again later", {"Retry-After": "1"})
BROKEN = Answer(500, "Internal error occurred: something went wrong")
AWAY = Answer(503, "the server is currently unable to handle the request")

CASES = (
    Case("an API server that is slow", with_rule(always(Slow(0.3))), GOOD),
    Case("an API server that throttles some writes", with_rule(to_writes(BUSY, 2, 7)), GOOD),
    Case("an API server that answers 500 to some writes", with_rule(to_writes(BROKEN, 3, 4)), GOOD | FAILED),
    Case("an API server that answers 503 for a while", with_rule(to_writes(AWAY, 3, 8)), GOOD),
    Case("a network that is gone in the middle", with_rule(from_write(Drop(), 6)), FAILED, ("Run `gpuplane up",)),
    Case("the answer to a create is lost", with_rule(once(Drop(done=True), "POST", "/resourcequotas")), GOOD | FAILED),
    Case("watches are dropped again and again", with_rule(to_watches(Cut(0.2))), GOOD),
)
