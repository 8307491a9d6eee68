"""AWS's price list as rows: the right lines of many that look alike, in bounded memory, or an error that says what is wrong."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.catalog.offer_files import OfferFileError, Prices, read_offer_file, read_spot_advisor
from tests.catalog.offer_file import HEADER, LEFT, READ, node, offer_file, service

KNOWN = default_catalog().instances.keys()


def read(text: str, *regions: str) -> Prices:
    return read_offer_file(text.splitlines(keepends=True), KNOWN, regions)


def test_the_right_lines_are_read_and_nothing_that_looks_like_them() -> None:
    lines = [*READ, *LEFT]
    random.Random(7).shuffle(lines)
    found = read(offer_file(lines))
    assert {key: str(row.usd_per_hour) for key, row in sorted(found.instances.items())} == {
        ("g5.xlarge", "eu-central-1", "on_demand"): "1.258", ("g6e.xlarge", "eu-central-1", "on_demand"): "2.327",
        ("g6e.xlarge", "eu-central-1", "reserved_1y"): "1.466", ("g6e.xlarge", "eu-central-1", "reserved_3y"): "1.005",
        ("p5.48xlarge", "us-east-1", "on_demand"): "55.04"}
    assert {key: str(row.usd) for key, row in sorted(found.services.items())} == {
        ("alb_hour", "us-east-1"): "0.0225", ("ebs_gp3_gib_month", "eu-central-1"): "0.0952", ("egress_gb", "eu-central-1"): "0.09",
        ("nat_gateway_hour", "eu-central-1"): "0.052", ("nlb_hour", "eu-central-1"): "0.027"}
    assert found.unknown_types == {"g9.xlarge"}
    assert found.lines == len(lines)
    assert {(row.source, row.as_of) for row in found.services.values() if row.region == "us-east-1"} == {
        ("AWS price list AmazonEC2 us-east-1, version 20261120180411", date(2026, 11, 20))}


def test_only_the_regions_that_are_asked_for_are_read() -> None:
    found = read(offer_file(READ), "us-east-1")
    assert set(found.instances) == {("p5.48xlarge", "us-east-1", "on_demand")}
    assert set(found.services) == {("alb_hour", "us-east-1")}


def test_columns_are_found_by_name_and_a_price_of_zero_is_none() -> None:
    text = offer_file([node("g5.xlarge", "0.0000000000"), node("g6e.xlarge", "2")])
    assert {name for name, _, _ in read(text).instances} == {"g6e.xlarge"}
    lines = text.splitlines(keepends=True)
    swapped = [",".join(reversed(line.strip().split(","))) + "\n" if line.count(",") > 5 else line for line in lines]
    with pytest.raises(OfferFileError, match="no line with the columns' names"):  # the header must begin with SKU
        read("".join(swapped))


LONG = 40_000
"""Lines of the long file: 20 MB of text."""


def test_memory_does_not_grow_with_the_file() -> None:
    head, one = offer_file([]), offer_file([LEFT[0]])[len(offer_file([])):]

    def lines() -> Iterator[str]:
        yield from head.splitlines(keepends=True)
        for _ in range(LONG):
            yield one

    tracemalloc.start()
    found = read_offer_file(lines(), KNOWN)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.lines == LONG
    assert peak < 2 << 20


@pytest.mark.parametrize(("text", "words"), [
    ("", "it is not an offer file in CSV"), ('{"formatVersion": "v1.0"}\n', "it is not an offer file in CSV"),
    ("<html>\n<body>404, not found</body>\n", "it is not an offer file in CSV"),
    (offer_file(READ)[:-40], "fields; its header has"),
    (offer_file(READ).replace('"Publication Date"', '"Published"'), "does not say Publication Date"),
    (offer_file(READ).replace('"Region Code"', '"Region"'), "has no column Region Code"),
    (offer_file([node("g5.xlarge", "free")]), "'free' is not a price"), (offer_file([node("g5.xlarge", "-1")]), "-1 is not a price"),
    (offer_file([node("g5.xlarge", "NaN")]), "NaN is not a price"), (offer_file([node("g5.xlarge", "1E+9999999")]), "1E.9999999 is not a price"),
    (offer_file([node("g5.xlarge", "1E999999")]), "allowed: 0, or 1E-12 to 1E.9 US dollars"), (offer_file([node("g5.xlarge", "1E-9999999")]), "not a price"),
    (offer_file([node("g5.xlarge", "9" * 5000)]), "^.{,60}9{40} is not a price"),
    (offer_file([node("g5.xlarge", "1"), node("g5.xlarge", "2")]), "two prices for g5.xlarge eu-central-1 on_demand: 1 and 2"),
    (offer_file(READ, day="2026-13-45"), "is not a date"),
])
def test_what_is_no_whole_price_list_is_an_error(text: str, words: str) -> None:
    with pytest.raises(OfferFileError, match=words):
        read(text)


def test_usage_types_of_other_things_are_not_taken_for_a_region_prefix() -> None:
    found = read(offer_file([service("Load Balancer-Network", "EUC1-TS-LoadBalancerUsage", "Hrs", "0.5"),
                             service("NAT Gateway", "EUC1-Prvd-NatGateway-Hours", "Hrs", "0.5")]))
    assert found.services == {}
    assert "SKU" in HEADER


ADVISOR = {"spot_advisor": {"eu-central-1": {"Linux": {"g5.xlarge": {"s": 59, "r": 4}, "m7i.large": {"s": 10, "r": 0}}}}}


def test_the_spot_advisors_saving_comes_off_the_on_demand_price_of_the_same_list() -> None:
    listed = read(offer_file(READ)).instances
    (row,) = read_spot_advisor(ADVISOR, listed, date(2026, 11, 21))
    assert (row.key, row.usd_per_hour, row.as_of) == (("g5.xlarge", "eu-central-1", "spot_average"), Decimal("0.51578"), date(2026, 11, 21))
    assert "saving of 59 %" in row.source


@pytest.mark.parametrize("data", [[], {}, {"spot_advisor": {"eu-central-1": []}}, {"spot_advisor": {"eu-central-1": {"Linux": {"g5.xlarge": {}}}}}])
def test_what_is_not_the_spot_advisors_data_is_an_error(data: object) -> None:
    with pytest.raises(OfferFileError, match="not the spot advisor's data"):
        read_spot_advisor(data, read(offer_file(READ)).instances, date(2026, 11, 21))


@pytest.mark.parametrize("saving", [float("inf"), float("nan"), 10**400, -5, 100, 500, True, 33.5, "33", None])
def test_a_saving_that_is_no_percentage_is_an_error(saving: object) -> None:
    data = {"spot_advisor": {"eu-central-1": {"Linux": {"g5.xlarge": {"s": saving}}}}}
    with pytest.raises(OfferFileError, match=r"a saving of .* for g5.xlarge in eu-central-1; allowed: whole percent, 0 to 99"):
        read_spot_advisor(data, read(offer_file(READ)).instances, date(2026, 11, 21))
