"""Every example of docs/node-pools.md is loaded and planned, all of them in one environment."""

from __future__ import annotations

import json
import re
from pathlib import Path

from gpuplane.catalog.overlay import overlaid
from gpuplane.planning import plan
from gpuplane.spec.catalog import Catalog
from gpuplane.spec.yaml_source import WISH_LIMITS, parse_text
from tests.planning.wish import AS_OF, valid

PAGE = Path(__file__).parents[2] / "docs" / "node-pools.md"


def test_the_examples_load_and_every_pool_is_planned_and_priced() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    read = [parse_text(block, "docs/node-pools.md", WISH_LIMITS)[0][0].value for block in blocks]
    pools = {one["metadata"]["name"]: one for one in read if one["kind"] == "NodePool"}
    wish = valid()
    wish.documents |= {f"node-pools/{name}": document for name, document in pools.items()}
    facts = overlaid((Catalog.model_validate_json(json.dumps(next(one for one in read if one["kind"] == "Catalog"))),))
    wish.put("environment spec.cluster.region", "us-east-1").put("environment spec.budget_usd_per_month", 1_000_000)

    found = plan(wish.spec(), facts, AS_OF)

    assert sorted(pools) == ["h100", "h200", "l40s", "rack", "v5e"]
    assert [str(refusal) for refusal in found.refusals] == []
    assert all(found.pools[name].usd_per_node_hour and found.pools[name].max_nodes for name in pools)

