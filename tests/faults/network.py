"""An API server that is slow, throttles, fails, drops watches, loses answers, or cannot be reached."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.faults.bed import Bed, Done
from tests.faults.case import Case
from tests.faults.kills import UPDATE, more_quota, without_service
from tests.faults.proxy import Answer, Cut, Drop, Fault, Request, Rule, Slow

GOOD, FAILED, WRONG = frozenset({0}), frozenset({3}), frozenset({2})


def with_rule(rule: Callable[[], Rule], *options: str) -> Callable[[Bed], Done]:
    """A run through a proxy that does this harm from the beginning on, and did it: a rule that nothing meets proves nothing."""
    def run(bed: Bed) -> Done:
        bed.proxy.rule = rule()
        done = bed.up(*options)
        assert bed.proxy.harmed, f"the fault never happened:\n{done.said}"
        return done
    return run


def always(fault: Fault) -> Callable[[], Rule]:
    """To every request."""
    return lambda: lambda _: fault


def to_writes(fault: Fault, first: int = 1, last: int = 10 ** 6) -> Callable[[], Rule]:
    """To some of the writes, counted from the beginning."""
    def made() -> Rule:
        seen = [0]

        def rule(request: Request) -> Fault | None:
            seen[0] += bool(request.write)
            return fault if request.write and first <= seen[0] <= last else None
        return rule
    return made


def once(fault: Fault, method: str, part: str) -> Callable[[], Rule]:
    """To the first request of its sort."""
    def made() -> Rule:
        left = [fault]
        return lambda request: left.pop() if left and request.write and request.method == method and re.search(part, request.path) else None
    return made


def from_write(fault: Fault, first: int) -> Callable[[], Rule]:
    """To everything, once so many writes have been asked for."""
    def made() -> Rule:
        seen = [0]

        def rule(request: Request) -> Fault | None:
            seen[0] += bool(request.write)
            return fault if seen[0] >= first else None
        return rule
    return made


def to_watches(fault: Fault) -> Callable[[], Rule]:
    """To every watch."""
    return lambda: lambda request: fault if request.is_watch else None


def to_kind(fault: Fault, part: str) -> Callable[[], Rule]:
    """To every write of a kind."""
    return lambda: lambda request: fault if request.write and part in request.path else None


BUSY = Answer(429, "the server has received too many requests and has asked us to try again later", {"Retry-After": "1"})
BROKEN = Answer(500, "Internal error occurred: something went wrong")
AWAY = Answer(503, "the server is currently unable to handle the request")
LOGIN = Answer(200, body="<html><body>Please log in to the company's network</body></html>")
EXPIRED = Answer(401, "Unauthorized")
FORBIDDEN = Answer(403, 'resourcequotas is forbidden: User "ci" cannot create resource "resourcequotas" in API group ""')
TWO = ("--attempts", "2")
AGAIN = ("run the command again",)

CASES = (
    Case("an API server that is slow", with_rule(always(Slow(0.3))), GOOD),
    Case("an API server that throttles some writes", with_rule(to_writes(BUSY, 2, 7)), GOOD),
    Case("an API server that throttles every write", with_rule(to_writes(BUSY), *TWO), FAILED, AGAIN),
    Case("an API server that answers 500 to some writes", with_rule(to_writes(BROKEN, 3, 4)), GOOD),
    Case("an API server that answers 500 to every write", with_rule(to_writes(BROKEN), *TWO), FAILED, AGAIN),
    Case("an API server that answers 503 for a while", with_rule(to_writes(AWAY, 3, 8)), GOOD),
    Case("a network that is gone in the middle", with_rule(from_write(Drop(), 6), *TWO), FAILED, AGAIN),
    Case("a network that loses every answer from the middle on", with_rule(from_write(Drop(done=True), 6), *TWO), FAILED, AGAIN),
    Case("the answer to a create is lost", with_rule(once(Drop(done=True), "POST", "/resourcequotas")), GOOD),
    Case("the answer to an update is lost", with_rule(once(Drop(done=True), "PATCH", UPDATE)), GOOD, prepare=more_quota, applied=True),
    Case("an update is lost", with_rule(once(Drop(), "PATCH", UPDATE)), GOOD, prepare=more_quota, applied=True),
    Case("the answer to a change of the fields' manager is lost", with_rule(once(Drop(done=True), "PATCH", r"/clusterqueues/[^?]+$")),
         GOOD, prepare=more_quota, applied=True),
    Case("the answer to a delete is lost", with_rule(once(Drop(done=True), "DELETE", "/inferenceservices")), GOOD, prepare=without_service,
         applied=True),
    Case("watches are dropped again and again", with_rule(to_watches(Cut(0.2))), GOOD),
    Case("the API server cannot be reached from the beginning on", with_rule(always(Drop())), WRONG, ("Nothing was touched",)),
    Case("a portal answers in the API server's place", with_rule(always(LOGIN)), WRONG, ("Nothing was touched",)),
    Case("credentials that end in the middle", with_rule(from_write(EXPIRED, 6)), FAILED, ("Log in anew",)),
    Case("a right that is missing", with_rule(to_kind(FORBIDDEN, "/resourcequotas")), FAILED, ("Have the right given",)),
)
