"""docs/isolation.md: its example loads, and its table has every medium."""

from __future__ import annotations

import re
from pathlib import Path

from gpuplane.graph.reachability import Medium
from gpuplane.spec.yaml_source import WISH_LIMITS, parse_text
from tests.planning.wish import valid

PAGE = (Path(__file__).parents[2] / "docs" / "isolation.md").read_text()


def test_the_example_is_a_tenants_file() -> None:
    block, = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    wish = valid().tenant("search", {})
    wish.documents["tenants/support"] = dict(parse_text(block, "docs/isolation.md", WISH_LIMITS)[0][0].value)

    assert [each.tenant for each in wish.spec().tenants["support"].spec.reachable_from] == ["search"]


def test_the_table_has_every_medium() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) == [medium.value for medium in Medium]
