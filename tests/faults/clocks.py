"""Committers whose clocks are wrong: what they say counts neither for a release that is promoted nor against one, and then it is applied.

The history of a release with every sort of such a commit: ``tests/delivery/promotion/test_release_history.py``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.delivery.promotion.walk import Walk
from tests.faults.bed import Bed, Done
from tests.faults.case import Case

GOOD, REFUSED = frozenset({0}), frozenset({1})
_BRANCH = ("--branch", "promoted")
_NEXT = "1f03c6d5", "1f03c6d6"


YEARS = timedelta(days=2000)


def _ago(before: timedelta) -> str:
    return (datetime.now(UTC) - before).isoformat(timespec="seconds")


def committed(other: timedelta, release: timedelta) -> Callable[[Bed], None]:
    """A repository with an environment ``staging``, in which a new release has to run for a day; and two commits of these times.

    Args:
        other: how long ago somebody changed something else, by their clock.
        release: how long ago somebody brought the new release after that, by theirs.
    """
    def prepare(bed: Bed) -> None:
        walk, staging = Walk(bed.folder), bed.documents.with_name("staging")
        shutil.copytree(bed.documents, staging)
        for file in ("environment.yaml", "exemptions.yaml"):
            walk.replace(f"staging/{file}", "metadata:\n  name: local\n", "metadata:\n  name: staging\n")
        bed.edit("environment.yaml", "  kueue:\n", "  promotion: {from: [staging], gates: {soak_hours: 24}}\n  kueue:\n")
        walk.git("init", "-q", "-b", "main")
        walk.git("config", "user.name", "A")
        walk.git("config", "user.email", "team@example.com")
        (bed.folder / ".git" / "info" / "exclude").write_text("/*\n!/environments\n")
        walk.commit("Begin", _ago(timedelta(days=10)))
        service = f"staging/services/{bed.tenant}/resnet50.yaml"
        walk.replace(service, "memory_gib: 16", "memory_gib: 24")
        walk.commit("Room", _ago(other))
        walk.replace(service, *_NEXT)
        walk.commit("The next release", _ago(release))
    return prepare


def _promoted(bed: Bed, *options: str) -> Done:
    """What is promoted is merged at once; the gates' words are on stdout."""
    done = bed.run("promote", "--from", "staging", "--to", "local", *_BRANCH, *options)
    if done.status == 0:
        Walk(bed.folder).git("merge", "-q", "--ff-only", "promoted")
    return Done(done.status, "", done.said)


def _nothing_moved(bed: Bed) -> None:
    assert Walk(bed.folder).git("branch", "--list", "promoted") == ""
    assert not _has_the_next(bed)


def _has_the_next(bed: Bed) -> bool:
    return _NEXT[1] in (bed.documents / "services" / bed.tenant / "resnet50.yaml").read_text()


def _moved(bed: Bed) -> None:
    assert _has_the_next(bed)


def _a_day_later(bed: Bed) -> None:
    """What the message says: wait."""
    done = _promoted(bed, "--now", _ago(timedelta(days=-2)))
    assert done.status == 0, done.said
    _moved(bed)


CASES = (
    Case("a release of a committer whose clock is years behind", _promoted, REFUSED, ("staging has had it for 1.", " of 24 hours", "Wait another"),
         prepare=committed(timedelta(hours=1), YEARS), after=_nothing_moved, heal=_a_day_later, next_says=(" updated",),
         applied=True),
    Case("a release after a commit whose clock was years ahead", _promoted, GOOD, ("staging has had it for 48.", " of 24 hours"),
         prepare=committed(-YEARS, timedelta(hours=48)), after=_moved, next_says=(" updated",), applied=True),
)
