"""The table of faults, on a real control plane and real state.

For each: what the user sees, what the state is, and that the next run converges with nothing lost, duplicated or orphaned.
"""

from __future__ import annotations

import pytest

from tests.faults import kills, network, objects, state
from tests.faults.bed import Bed
from tests.faults.case import Case
from tests.faults.judge import require_audit_whole, require_converges, require_no_secret

TABLE = (*kills.CASES, *network.CASES, *state.CASES, *objects.CASES)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
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
