"""The cluster that gpuplane creates costs by the hour, whether anybody uses it or not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.planning.money.cluster_costs import cluster_costs
from gpuplane.planning.money.month import Month
from tests.spec.test_aws import BLOCK, GIVEN, read

WITHOUT_ENDPOINTS = BLOCK.replace("  interface_endpoints: [sts]\n", "")


def _months(text: str) -> dict[str, Month]:
    return {cost.path.removeprefix("spec.aws."): cost.month for cost in cluster_costs(read(text), default_catalog())}


def _month(low: str, high: str) -> Month:
    return Month(Decimal(low), Decimal(low), Decimal(high))


def test_each_part_by_hand() -> None:
    assert _months(WITHOUT_ENDPOINTS) == {
        "eks.support": _month("73.00", "73.00"),  # 0.10 x 730
        "eks.system_nodes.instance_types": _month("352.59", "705.18"),  # 0.2415 x 730, two to four nodes
        "eks.system_nodes.disk_gib": _month("15.23", "30.46"),  # 80 GiB at 0.0952
        "vpc.nat_gateways": _month("37.96", "37.96"),  # 0.052 x 730
    }


@pytest.mark.parametrize(("old", "new", "path", "month"), [
    ("eks:\n", "eks:\n  support: extended\n", "eks.support", _month("438.00", "438.00")),
    ("eu-central-1b]\n", "eu-central-1b]\n  nat_gateways: one_per_zone\n", "vpc.nat_gateways", _month("75.92", "75.92")),
    ("[m7i.xlarge]", "[m7i.xlarge, m7a.4xlarge]", "eks.system_nodes.instance_types", _month("1621.88", "3243.76")),  # 1.11088
])
def test_what_is_asked_for_is_what_it_costs(old: str, new: str, path: str, month: Month) -> None:
    assert _months(WITHOUT_ENDPOINTS.replace(old, new))[path] == month


@pytest.mark.parametrize(("old", "new", "path"), [
    ("[m7i.xlarge]", "[m7i.xlarge, x9z.large]", "eks.system_nodes.instance_types"),
    ("eu-central-1b]\n", "eu-central-1b]\n  interface_endpoints: [sts]\n", "vpc.interface_endpoints")])
def test_what_nobody_knows_is_unknown_and_not_nothing(old: str, new: str, path: str) -> None:
    assert _months(WITHOUT_ENDPOINTS.replace(old, new))[path] == Month(None, None, None)


def test_a_cluster_that_is_there_costs_nothing_here() -> None:
    assert _months(GIVEN) == {}
