"""Published fleets whose source gives both the throughput of each GPU and what was chosen: ours costs no more."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from gpuplane.planning.fleet.layouts import node_layouts, whole_gpu_slot
from gpuplane.planning.fleet.milp import cheapest_fleet
from gpuplane.planning.fleet.problem import Fleet, FleetProblem, Load, NodeOffer, Way


def test_melange_example() -> None:
    """Mélange's own example (github.com/tyler-griggs/melange-release at d46ab438, melange/config/example.json): four buckets, 30
    requests/s, requests/s and US dollars an hour of two GPUs. Its README says the solver chose 3 × A10G and 1 × A100: 6.70 an hour,
    for it gives a bucket to one GPU type as a whole; a bucket that may be split needs one A10G."""
    problem = FleetProblem(
        (Load("llm", tuple(30 * Fraction(share) for share in ("0.2", "0.1", "0.5", "0.2"))),),
        (Way("llm", "A10G", "1 GPU", (Fraction(2), Fraction(1), Fraction(5), Fraction(2))),
         Way("llm", "A100-80GB", "1 GPU", (Fraction(20), Fraction(20), Fraction(40), Fraction(20)))),
        (NodeOffer("A10G", Decimal("1.01"), ({"1 GPU": 1},)), NodeOffer("A100-80GB", Decimal("3.67"), ({"1 GPU": 1},))))

    fleet = cheapest_fleet(problem)

    assert isinstance(fleet, Fleet)
    assert fleet.optimal
    assert fleet.nodes == {"A10G": 1, "A100-80GB": 1}
    assert fleet.usd_per_hour == Decimal("4.68") <= Decimal("6.70")


AICONFIGURATOR = [  # github.com/ai-dynamo/aiconfigurator at 095f58a5 (2026-08-21)
    pytest.param(
        32, Fraction("21913.22"),
        {"agg tp4": (4, "410.22"), "agg tp8": (8, "361.33"), "agg tp2": (2, "117.92"), "disagg": (8, "684.79")},
        id="README: Qwen3-32B-FP8, 32 H200, isl 4000, osl 500, TTFT 300 ms, TPOT 10 ms"),
    pytest.param(
        32, Fraction("29242.24"),
        {"1": (8, "913.82"), "2": (8, "873.07"), "3": (32, "852.77"), "4": (16, "568.51"), "5": (24, "434.77"),
         "agg 1": (4, "638.28"), "agg 2": (2, "612.50")},
        id="docs/cli_user_guide.md: Qwen3-32B-FP8, 32 H200, isl 3000, osl 512, TTFT 1000 ms, TPOT 10 ms"),
    pytest.param(
        16, Fraction("14926.50"),
        {"1": (16, "932.91"), "2": (8, "932.91"), "3": (16, "818.83"), "4": (16, "746.33"),
         "agg 1": (2, "852.23"), "agg 2": (4, "748.51"), "agg 3": (1, "742.79"), "agg 4": (8, "550.53")},
        id="docs/cli_user_guide.md: Qwen3-32B-FP8, 16 H200, isl 4000, osl 500, request latency 12 s, TTFT 4 s"),
]


@pytest.mark.parametrize(("gpus", "tokens_per_second", "replicas"), AICONFIGURATOR)
def test_aiconfigurator_tables(gpus: int, tokens_per_second: Fraction, replicas: dict[str, tuple[int, str]]) -> None:
    """AIConfigurator prints for each configuration the GPUs of a replica and tokens/s for each GPU (to two decimals, hence the 0.01
    allowed for each GPU), and the throughput of the fleet it chose; we serve that throughput with no more GPUs, bought one by one."""
    load = Load("llm", (tokens_per_second - Fraction(gpus, 100),))
    offers = tuple(NodeOffer(name, Decimal(size), node_layouts(size, (size,))) for name, (size, _) in replicas.items())
    ways = tuple(Way("llm", name, whole_gpu_slot(size), (size * Fraction(each),)) for name, (size, each) in replicas.items())

    fleet = cheapest_fleet(FleetProblem((load,), ways, offers))

    assert isinstance(fleet, Fleet)
    assert fleet.optimal
    assert fleet.usd_per_hour <= gpus
