"""Kill -9, at each stage of a run, of each process that takes part in it."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.bed import Bed, Done
from tests.faults.case import Case
from tests.faults.proxy import Hold, Request

KILLED = frozenset({-9})


def killed_when(said: str, times: int = 1, *names: str) -> Callable[[Bed], Done]:
    """A run whose processes are killed once it has said something so many times."""
    def run(bed: Bed) -> Done:
        running = bed.start()
        running.wait_for(said, times)
        running.kill(*names)
        return running.end()
    return run


def killed_in_request(method: str, part: str, *, done: bool) -> Callable[[Bed], Done]:
    """A run that is killed while it waits for the answer to one request, which the server has done or never heard of."""
    def run(bed: Bed) -> Done:
        hold = Hold(done)

        def rule(request: Request) -> Hold | None:
            return hold if request.write and request.method == method and part in request.path and not hold.reached.is_set() else None
        bed.proxy.rule = rule
        running = bed.start()
        assert hold.reached.wait(90), running.log.read_text()
        running.kill()
        hold.released.set()
        return running.end()
    return run


def pending(count: int) -> Callable[[Bed], None]:
    """That the state has at least so many operations under way."""
    def check(bed: Bed) -> None:
        assert len(bed.deployment().get("pending_operations") or ()) >= count
    return check


CASES = (
    Case("all are killed while the plan is made", killed_when("", 0), KILLED),
    Case("all are killed before the first operation", killed_when("applying"), KILLED),
    Case("all are killed between operations", killed_when(" created", 8), KILLED),
    Case("all are killed when the last object is made", killed_when("InferenceService", 2), KILLED),
    Case("all are killed while a create has not reached the server", killed_in_request("POST", "/resourcequotas", done=False), KILLED,
         after=pending(1)),
    Case("all are killed while a create is done and not answered", killed_in_request("POST", "/resourcequotas", done=True), KILLED,
         after=pending(1)),
)
