"""Prices beside the nodes: every row sourced and plausible; what no row says is unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from gpuplane.catalog import service_price
from gpuplane.catalog.data_files import read_rows
from gpuplane.catalog.service_prices import KINDS, ServicePrice, load_service_prices, service_price_in

ROWS = list(load_service_prices().values())
BOUNDS = {"_hour": (Decimal("0.01"), Decimal("1")), "_month": (Decimal("0.005"), Decimal("1")), "_gb": (Decimal("0.001"), Decimal("0.3"))}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}-{row.region}")
def test_a_service_price_has_a_source_and_is_plausible(row: ServicePrice) -> None:
    low, high = next(bounds for suffix, bounds in BOUNDS.items() if row.kind.endswith(suffix))
    assert low <= row.usd <= high
    assert row.source
    assert row.as_of >= date(2024, 1, 1)
    assert row.unit.startswith("USD per ")


def test_every_kind_has_a_price_somewhere_and_rows_are_sorted() -> None:
    keys = [(row["kind"], row["region"]) for row in read_rows("service_prices.tsv")]
    assert {kind for kind, _ in keys} == set(KINDS)
    assert keys == sorted(set(keys))


def test_a_known_price_says_where_it_comes_from() -> None:
    price = service_price("ebs_gp3_gib_month", "eu-central-1")
    assert price is not None
    assert (price.usd, price.as_of) == (Decimal("0.0952"), date(2026, 9, 1))
    assert "AmazonEC2" in price.source


@pytest.mark.parametrize(("kind", "region"), [("nlb_hour", "eu-central-1"), ("ebs_gp3_gib_month", "mars-north-1")])
def test_an_unknown_service_price_is_none_and_never_zero(kind: str, region: str) -> None:
    assert service_price(kind, region) is None


def test_a_kind_that_does_not_exist_is_a_defect() -> None:
    with pytest.raises(ValueError, match="allowed: alb_hour"):
        service_price_in({}, "floppy_month", "us-east-1")
