"""Kill -9, at each stage of a run, of each process that takes part in it; and the signals that ask first.

Under ``gpuplane up`` the Pulumi program is no process of its own: it runs inside the command line, which Pulumi calls back, so that killing
the command line is killing it. Under a bare ``pulumi up`` it is one, below the language host; there it is killed alone.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from tests.faults.bed import Bed, Done
from tests.faults.case import Case, done_or
from tests.faults.proxy import Hold, Request
from tests.integration.work import clean_project

KILLED, GOOD, FAILED = frozenset({-9}), frozenset({0}), frozenset({3})
_AGAIN = "run the command again"
_QUOTA = ("tenants/{}.yaml", "nominal_quota: 2", "nominal_quota: 3")
UPDATE = r"/clusterqueues/.+[?&]fieldManager="
"""Where a queue is updated. The PATCH before it, without a manager, only hands the fields of what Pulumi has created to an applier."""


def killed_when(said: str, times: int = 1, *names: str) -> Callable[[Bed], Done]:
    """A run whose processes are killed once it has said something so many times."""
    def run(bed: Bed) -> Done:
        running = bed.start()
        running.wait_for(said, times)
        running.kill(*names)
        return running.end()
    return run


def killed_in_request(method: str, part: str, *, done: bool, options: tuple[str, ...] = ()) -> Callable[[Bed], Done]:
    """A run that is killed while it waits for the answer to one request, which the server has done or never heard of."""
    def run(bed: Bed) -> Done:
        hold = Hold(done)

        def rule(request: Request) -> Hold | None:
            return hold if request.write and request.method == method and re.search(part, request.path) and not hold.reached.is_set() else None
        bed.proxy.rule = rule
        running = bed.start(*options)
        assert hold.reached.wait(90), running.log.read_text()
        running.kill()
        hold.released.set()
        return running.end()
    return run


def signalled(number: int, times: int = 1) -> Callable[[Bed], Done]:
    """A run that is asked to end after some objects, once or twice."""
    def run(bed: Bed) -> Done:
        running = bed.start()
        running.wait_for(" created", 6)
        for _ in range(times):
            running.process.send_signal(number)
        return running.end()
    return run


def program_killed(bed: Bed) -> Done:
    """A bare ``pulumi up`` whose program is killed when the first objects are made."""
    project = clean_project(bed.folder / "project", bed.documents.parent)
    pulumi = ("cd \"$1\" && pulumi --non-interactive stack init \"$2\" >&2 && exec pulumi --non-interactive up --yes --skip-preview "
              "--stack \"$2\" >&2")

    def rule(request: Request) -> None:
        if request.write and request.method == "POST" and "/resourcequotas" in request.path:
            bed.running[-1].kill("python")
    bed.proxy.rule = rule
    return bed.begin(["sh", "-c", pulumi, "sh", str(project), bed.stack]).end()


def twice_killed(bed: Bed) -> Done:
    """Killed in the middle, and again while the next run puts the state in order."""
    killed_in_request("POST", "/resourcequotas", done=True)(bed)
    bed.proxy.heal()
    running = bed.start()
    running.wait_for("taking its lock away")
    running.kill()
    return running.end()


def pending(count: int) -> Callable[[Bed], None]:
    """That the state has at least so many operations under way."""
    def check(bed: Bed) -> None:
        assert len(bed.deployment().get("pending_operations") or ()) >= count
    return check


def in_order(bed: Bed) -> None:
    """That the state was closed: nothing under way, no lock."""
    assert not bed.deployment().get("pending_operations")
    assert not list(bed.locks.glob("*.json"))


def more_quota(bed: Bed) -> None:
    """A wish that updates the tenant's queue."""
    file, old, new = _QUOTA
    bed.edit(file.format(bed.tenant), old, new)


def without_service(bed: Bed) -> None:
    """A wish that deletes the tenant's only service."""
    (bed.documents / "services" / bed.tenant / "resnet50.yaml").unlink()



GONE = ("the run that locked it is gone",)
TAKEN = ("was being created when a run was killed: it is there, taken in",)
NOT_THERE = ("was being created when a run was killed: it is not there",)

CASES = (
    Case("all are killed while the plan is made", killed_when("", 0), KILLED),
    Case("all are killed before the first operation", killed_when("applying"), KILLED),
    Case("all are killed between operations", killed_when(" created", 8), KILLED, next_says=GONE),
    Case("all are killed when the last object is made", killed_when("InferenceService", 2), KILLED),
    Case("all are killed while a create has not reached the server", killed_in_request("POST", "/resourcequotas", done=False), KILLED,
         after=pending(1), next_says=NOT_THERE),
    Case("all are killed while a create is done and not answered", killed_in_request("POST", "/resourcequotas", done=True), KILLED,
         after=pending(1), next_says=TAKEN),
    Case("all are killed while an update is done and not answered", killed_in_request("PATCH", UPDATE, done=True), KILLED,
         prepare=more_quota, after=pending(1), applied=True),
    Case("all are killed while an update has not reached the server", killed_in_request("PATCH", UPDATE, done=False), KILLED,
         prepare=more_quota, after=pending(1), applied=True),
    Case("all are killed while a delete is done and not answered", killed_in_request("DELETE", "/inferenceservices", done=True), KILLED,
         prepare=without_service, applied=True),
    Case("all are killed while a delete has not reached the server", killed_in_request("DELETE", "/inferenceservices", done=False), KILLED,
         prepare=without_service, applied=True),
    Case("killed, and killed again while the next run puts it in order", twice_killed, KILLED),
    Case("only the command line is killed, and Pulumi is left alone", killed_when(" created", 6, "gpuplane"), KILLED),
    Case("only Pulumi is killed", killed_when(" created", 6, "pulumi"), FAILED, (_AGAIN,)),
    Case("only the Kubernetes plugin is killed", killed_when(" created", 6, "pulumi-resource-"), GOOD | FAILED, after=done_or(_AGAIN)),
    Case("only the Python program of a bare pulumi up is killed", program_killed, frozenset({1}), ("program exited with",)),
    Case("Pulumi is killed before its first operation", killed_when("applying", 1, "pulumi"), GOOD | FAILED, after=done_or(_AGAIN)),
    Case("Ctrl-C", signalled(signal.SIGINT), FAILED, ("run the command again to go on",), after=in_order),
    Case("Ctrl-C twice", signalled(signal.SIGINT, 2), FAILED, ("run the command again to go on",), after=in_order),
    Case("a job that is cancelled", signalled(signal.SIGTERM), FAILED, ("run the command again to go on",), after=in_order),
    Case("a terminal that is closed", signalled(signal.SIGHUP), FAILED, after=in_order),
)
