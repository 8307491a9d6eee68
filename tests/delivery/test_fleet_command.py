"""``gpuplane fleet`` in words: what its prices are of, and where they differ from those of ``gpuplane cost``."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from gpuplane.cli import cli

ENVIRONMENTS = Path(__file__).parents[2] / "environments"
VISION = ENVIRONMENTS.parent / "docs/examples/03-resnet-on-one-gpu/environments"


def _said(command: str, environment: str, *options: str, folder: Path = ENVIRONMENTS) -> str:
    result = CliRunner().invoke(cli, [command, environment, "--environments", str(folder), "--as-of", "2026-08-20", *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def _json(command: str, environment: str, folder: Path = ENVIRONMENTS) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_said(command, environment, "--format", "json", folder=folder))
    return value


def test_a_service_by_itself_is_said_to_be_priced_by_shares_of_nodes() -> None:
    text = _said("fleet", "dev")

    assert "Each service by itself, by shares of nodes: what is left of a node is taken to be used by others" in text
    assert "research/resnet50: each kind of GPU alone, by shares of nodes" in text
    assert text.index("by shares of nodes") < text.index("Whole nodes, all services together")


def test_the_declared_nodes_and_their_root_volumes_are_what_the_same_nodes_cost() -> None:
    fleet = _json("fleet", "vision", folder=VISION)
    volumes = Decimal(fleet["root_volumes_usd_per_month"])
    text = _said("fleet", "vision", folder=VISION)

    assert f"gpuplane cost adds {volumes} for the root volumes of the declared nodes" in text
    assert volumes > 0
    whole = f"{Decimal(fleet['declared']['usd_per_month']) + volumes:,}".replace(",", " ")
    assert f"{whole} USD a month at its minimum" in _said("cost", "vision", folder=VISION)
