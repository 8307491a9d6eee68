"""The table is not to be lied to: what the state says was written has to be on the cluster, and a fault has to have happened."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.faults.bed import Bed, Done
from tests.faults.judge import require_whole
from tests.faults.kills import UPDATE, more_quota
from tests.faults.network import once, with_rule
from tests.faults.proxy import Pretend


@pytest.mark.bad_day
def test_an_update_that_was_answered_and_never_done_is_seen(bed: Bed) -> None:
    assert bed.up().status == 0
    require_whole(bed)
    more_quota(bed)
    bed.proxy.rule = once(Pretend(), "PATCH", UPDATE)()

    believed = bed.up()

    assert believed.status == 0, believed.said
    assert " updated" in believed.stderr
    with pytest.raises(AssertionError, match=rf'ClusterQueue/{bed.tenant} spec resourceGroups .* nominalQuota: "3", and "2"'):
        require_whole(bed)
    bed.heal()
    assert "unchanged" in bed.up().stderr  # why the run after it cannot say so


@pytest.mark.bad_day
def test_a_fault_that_never_happens_is_seen() -> None:
    untouched = SimpleNamespace(proxy=SimpleNamespace(harmed=[]), up=lambda: Done(0, "", "all is well"))

    with pytest.raises(AssertionError, match=r"the fault never happened:\n\nall is well"):
        with_rule(once(Pretend(), "PATCH", UPDATE))(untouched)  # type: ignore[arg-type]
