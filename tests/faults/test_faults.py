"""The table of faults, on a real control plane and real state.

For each: what the user sees, what the state is, and that the next run converges with nothing lost, duplicated or orphaned.
"""

from __future__ import annotations

import pytest

from tests.faults import clocks, full_disk, kills, network, objects, state, waves
from tests.faults.bed import Bed
from tests.faults.case import Case
from tests.faults.judge import require_audit_whole, require_converges, require_no_secret

TABLE = (*kills.CASES, *network.CASES, *waves.CASES, *state.CASES, *full_disk.CASES, *objects.CASES, *clocks.CASES)
BAD_DAY = frozenset({
    "all are killed between operations", "all are killed while a create is done and not answered", "Ctrl-C",
    "an API server that answers 500 to some writes", "the answer to a create is lost",
    "the API server cannot be reached from the beginning on", "the state is truncated", "the passphrase is wrong",
    "the lock of another machine", "two runs at once", "a webhook does not answer",
    "etcd is killed and comes back", "a CRD that arrives in the middle", "an object of that name is somebody else's"})
"""The share that runs with all tests: of each sort the cases that say most about the next run."""
PROMISED = 40
"""Faults that are tried, at the least."""


@pytest.mark.bad_day
def test_the_table_has_as_many_faults_as_are_promised() -> None:
    assert len(TABLE) >= PROMISED


@pytest.mark.bad_day
def test_the_share_is_of_the_table() -> None:
    assert {case.name for case in TABLE} >= BAD_DAY
    assert len({case.name for case in TABLE}) == len(TABLE)


@pytest.mark.parametrize("case", [
    pytest.param(case, id=case.name, marks=[pytest.mark.bad_day] if case.name in BAD_DAY else []) for case in TABLE])
def test_fault(bed: Bed, case: Case) -> None:
    if case.applied:
        assert bed.up().status == 0
    case.prepare(bed)

    done = case.run(bed)

    assert done.status in case.status, f"{done.status}: {done.said}"
    for words in case.says:
        assert words in done.stderr, f"{words!r} is not in:\n{done.stderr}"
    assert "Traceback" not in done.said, done.said
    case.after(bed)
    bed.heal()
    case.heal(bed)
    said = require_converges(bed, *case.options)
    for words in case.next_says:
        assert words in said, f"{words!r} is not in:\n{said}"
    require_audit_whole(bed)
    require_no_secret(bed)
