"""Several stacks side by side in a wave, of which some are done, some are in the middle and some have not begun when the network goes."""

from __future__ import annotations

import threading

from tests.faults.bed import Bed, Done, write_tenants
from tests.faults.case import Case
from tests.faults.control_plane import wait_until
from tests.faults.network import TWO
from tests.faults.proxy import Drop, Request

FAILED = frozenset({3})
GONE_ON = ("goes on from", ": 1 stacks were done", "done before", "being created when its answer was lost: it is there, taken in")


def three_and_one(bed: Bed) -> None:
    """A stack for each of four tenants, three of them in the first wave."""
    bed.others = tuple(f"{bed.tenant}{letter}" for letter in "bcd")
    write_tenants(bed.documents, bed.others)
    bed.edit("environment.yaml", "  kueue:\n",
             f"  tenant_stacks: true\n  applying:\n    waves: [[{', '.join(bed.tenants[:3])}]]\n  kueue:\n")
    bed.edit("environment.yaml", "budget_usd_per_month: 48000", "budget_usd_per_month: 64000")


def partition(bed: Bed) -> Done:
    """A run whose network goes once the first stack is done and two are in the middle: one has made an object and never hears of it."""
    second, third = (f"/namespaces/{tenant}/resourcequotas" for tenant in bed.tenants[1:3])
    waiting, gone = threading.Event(), threading.Event()

    def is_time() -> bool:
        return waiting.is_set() and f"✓ {bed.stacks[0]}: " in bed.running[-1].log.read_text()

    def rule(request: Request) -> Drop | None:
        if request.write and second in request.path and not gone.is_set():
            wait_until(is_time, f"{bed.stacks[0]} is done, and the others are in the middle", 100)
            gone.set()
            return Drop(done=True)
        if request.write and third in request.path:
            waiting.set()
            gone.wait(100)
        return Drop() if gone.is_set() else None
    bed.proxy.rule = rule
    return bed.start(*TWO).end()


def one_of_four(bed: Bed) -> None:
    """What the user sees, and that each state says what is known of its stack."""
    said = bed.running[-1].log.read_text()
    done, second, third, later = bed.stacks
    for words in (f"✓ {done}: ", f"✗ {second}: failed", f"✗ {third}: failed", f"✗ {later}: {second}, {third} before it are not done"):
        assert words in said, f"{words!r} is not in:\n{said}"
    assert [bool(_quota(bed, stack)) for stack in bed.stacks] == [True, False, False, False]
    assert [bool(bed.cluster.list("v1", "ResourceQuota", tenant)) for tenant in bed.tenants] == [True, True, False, False]
    assert bed.held(second)
    assert bed.held(third)
    assert not bed.file_of(later).exists()


def _quota(bed: Bed, stack: str) -> list[str]:
    return [urn for urn in bed.held(stack) if ":ResourceQuota::" in urn]


CASES = (
    Case("a network that is gone in the middle of a wave", partition, FAILED, ("not begun",), prepare=three_and_one, after=one_of_four,
         options=("--resume",), next_says=GONE_ON),
)
