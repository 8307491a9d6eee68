"""Rules and panels read only what services record."""

from __future__ import annotations

import json

import pytest

from gpuplane.components.dashboards import readable, shipped
from gpuplane.components.platform_rules import Recorded


@pytest.mark.parametrize(("recorded", "gone"), [
    (Recorded(objectives=False), "gpuplane:slo_"), (Recorded(tokens=False), "_tokens:"), (Recorded(costs=False), "_usd_")])
def test_a_panel_that_would_stay_empty_is_left_out(recorded: Recorded, gone: str) -> None:
    assert any(gone in text for text in shipped().values())
    for text in shipped().values():
        found = readable(text, recorded)
        assert gone not in "".join(target["expr"] for panel in json.loads(found)["panels"] for target in panel.get("targets", ()))


def test_where_everything_is_recorded_nothing_is_left_out() -> None:
    assert all(readable(text, Recorded()) == text for text in shipped().values())
