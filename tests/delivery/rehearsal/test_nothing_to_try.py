"""A scenario that finds nothing to try says so: a rehearsal that is silent about it would pass for one that tried."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gpuplane.delivery.rehearsal.scenarios import burst, offboarding


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One tenant whose service never grows."""
    monkeypatch.setattr(offboarding, "reach", lambda *_: None)
    return SimpleNamespace(spec=SimpleNamespace(tenants={"acme": None}, services={}), services=["acme/chat"], minimum={"acme/chat": 2},
                           maximum={"acme/chat": 2}, awake={}, short=False, add_nodes=lambda **_: None)


def test_no_tenant_can_burst(stage: Any) -> None:
    found = list(burst.burst(stage))

    assert [(claim.verdict, claim.why) for claim in found] == [("not rehearsed", "every service is at its maximum always")]


def test_the_only_tenant_cannot_leave_others(stage: Any) -> None:
    found = list(offboarding.offboarding(stage))

    assert [(claim.verdict, claim.why) for claim in found] == [("not rehearsed", "there is no other tenant that would stay")]
