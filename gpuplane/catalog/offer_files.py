"""AWS's public price list, read line by line: bulk offer files (CSV) and the spot advisor's JSON, as price rows.

A regional offer file of AmazonEC2 has more than a gigabyte: one line at a time is in memory, and the few rows that count.
Format: AWS Price List user guide, "Reading the price list files": five lines of metadata, a header, then one price a line.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from gpuplane.catalog.prices import PriceRow
from gpuplane.catalog.service_prices import ServicePrice
from gpuplane.spec.errors import shown

_METADATA = ("FormatVersion", "Disclaimer", "Publication Date", "Version", "OfferCode")
_TERMS = {("1yr", "No Upfront", "standard"): "reserved_1y", ("3yr", "No Upfront", "standard"): "reserved_3y"}
_SHARED_LINUX = {"Operating System": ("Linux",), "Tenancy": ("Shared",), "Pre Installed S/W": ("NA", ""), "CapacityStatus": ("Used", ""),
                 "License Model": ("No License required", ""), "operation": ("RunInstances", ""), "MarketOption": ("OnDemand", "")}
"""What a plain Linux node is billed as; a column that a file does not have says nothing."""
_SERVICES = {
    ("Load Balancer-Application", "LoadBalancerUsage", "Hrs"): "alb_hour",
    ("Load Balancer-Network", "LoadBalancerUsage", "Hrs"): "nlb_hour",
    ("Storage", "EBS:VolumeUsage.gp3", "GB-Mo"): "ebs_gp3_gib_month",
    ("Storage", "TimedStorage-ByteHrs", "GB-Mo"): "s3_standard_gib_month",
    ("NAT Gateway", "NatGateway-Hours", "Hrs"): "nat_gateway_hour",
    ("NAT Gateway", "NatGateway-Bytes", "GB"): "nat_gateway_gb",
    ("Data Transfer", "DataTransfer-Out-Bytes", "GB"): "egress_gb",
    ("Data Transfer", "DataTransfer-Regional-Bytes", "GB"): "inter_az_gb",
    ("Compute", "AmazonEKS-Hours:perCluster", "Hours"): "eks_cluster_hour",
}
"""Product family, end of the usage type (regions prefix it) and unit to the kind of price. The first tier counts."""

_FAMILIES = frozenset(family for family, _, _ in _SERVICES)


_LEAST, _MOST = Decimal("1E-12"), Decimal("1E+9")
"""US dollars for one unit: what is less or more is no price, and may be a number of millions of digits."""


class OfferFileError(ValueError):
    """The text is not a price list, or not a whole one; the message is a sentence."""


@dataclass
class Prices:
    """What a price list says.

    Attributes:
        instances: prices of instance types, sorted by what they price.
        services: prices beside the nodes.
        unknown_types: GPU instance types that the list has and the catalogue lacks.
        lines: price lines read.
    """

    instances: dict[tuple[str, str, str], PriceRow] = field(default_factory=dict)
    services: dict[tuple[str, str], ServicePrice] = field(default_factory=dict)
    unknown_types: set[str] = field(default_factory=set)
    lines: int = 0

    def add(self, other: Prices) -> None:
        """Take over what another list says."""
        self.instances |= other.instances
        self.services |= other.services
        self.unknown_types |= other.unknown_types
        self.lines += other.lines


def read_offer_file(lines: Iterable[str], known: Collection[str], regions: Collection[str] = ()) -> Prices:
    """Prices of one offer file in CSV.

    Args:
        lines: its text, line by line, with line ends.
        known: instance types to keep.
        regions: regions to keep; empty for all that the file has.

    Raises:
        OfferFileError: the text is no offer file, or a price in it is none.
    """
    rows = _rows(lines)
    about, header = _metadata(rows)
    columns = {name: index for index, name in enumerate(header)}
    missing = [name for name in ("TermType", "Unit", "PricePerUnit", "Currency", "Product Family", "Region Code") if name not in columns]
    if missing:
        raise OfferFileError(f"its header has no column {', '.join(missing)}.")
    published, found = _day(about["Publication Date"]), Prices()
    for number, row in rows:
        if len(row) != len(header):
            raise OfferFileError(f"line {number} has {len(row)} fields; its header has {len(header)}: it is cut off or damaged.")
        found.lines += 1
        line = _Line(row, columns)
        if (not regions or line["Region Code"] in regions) and line["Currency"] == "USD":
            source = f"AWS price list {about['OfferCode']} {line['Region Code']}, version {about['Version']}"
            _instance(line, known, found, source, published)
            _service(line, found, source, published)
    return found


def read_spot_advisor(data: Any, listed: Mapping[tuple[str, str, str], PriceRow], day: date) -> list[PriceRow]:
    """Mean spot prices of the last 30 days: the advisor's saving, which is in whole percent, taken off the on-demand price.

    Args:
        data: the spot advisor's JSON (``spot-advisor-data.json``).
        listed: on-demand prices to take the saving off; what has none is left out.
        day: when the file was read; it bears no date.

    Raises:
        OfferFileError: the data is not of that form.
    """
    rows = []
    try:
        for (name, region, offer), row in sorted(listed.items()):
            said = data["spot_advisor"].get(region, {}).get("Linux", {}).get(name)
            if offer == "on_demand" and said is not None:
                saving = said["s"]
                if isinstance(saving, bool) or not isinstance(saving, int) or not 0 <= saving < 100:
                    raise ValueError(f"a saving of {shown(saving)} % for {name} in {region}; allowed: whole percent, 0 to 99")
                usd = (row.usd_per_hour * (100 - saving) / 100).quantize(Decimal("0.000001")).normalize()
                source = f"AWS spot advisor (saving of {saving} % over 30 days) on {row.source}"
                rows.append(PriceRow(name, region, "spot_average", usd, source, day))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OfferFileError(f"it is not the spot advisor's data: {error!r}.") from None
    return rows


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Number of its last line, and the fields of each row."""
    rows = csv.reader(lines)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise OfferFileError(f"line {rows.line_num} is not CSV: {error}.") from None


class _Line:
    """One price by the header's names; a column that the file does not have is empty."""

    def __init__(self, row: list[str], columns: Mapping[str, int]) -> None:
        self._row, self._columns = row, columns

    def __getitem__(self, name: str) -> str:
        index = self._columns.get(name)
        return self._row[index] if index is not None else ""


def _metadata(rows: Iterator[tuple[int, list[str]]]) -> tuple[dict[str, str], list[str]]:
    about: dict[str, str] = {}
    for _, row in rows:
        if row and row[0] == "SKU":
            missing = [name for name in _METADATA if name not in about]
            if missing:
                raise OfferFileError(f"its head does not say {', '.join(missing)}.")
            return about, row
        if len(row) != 2 or len(about) > 20:
            break
        about[row[0]] = row[1]
    raise OfferFileError("it is not an offer file in CSV: no line with the columns' names after the metadata.")


def _instance(line: _Line, known: Collection[str], found: Prices, source: str, day: date) -> None:
    name, family = line["Instance Type"], line["Product Family"]
    if not family.startswith("Compute Instance") or any(line[column] not in values for column, values in _SHARED_LINUX.items()):
        return
    offer = _offer(line)
    if offer is None or line["Unit"] != "Hrs":
        return
    price = _price(line)
    if price is None:
        return
    if name not in known:
        if line["Instance Family"] == "GPU instance":
            found.unknown_types.add(name)
        return
    row = PriceRow(name, line["Region Code"], offer, price, source, day)
    former = found.instances.get(row.key)
    if former is not None and former.usd_per_hour != price:
        raise OfferFileError(f"it has two prices for {' '.join(row.key)}: {former.usd_per_hour} and {price}.")
    found.instances[row.key] = row


def _offer(line: _Line) -> str | None:
    if line["TermType"] == "OnDemand":
        return "on_demand"
    return _TERMS.get((line["LeaseContractLength"], line["PurchaseOption"], line["OfferingClass"]))


def _service(line: _Line, found: Prices, source: str, day: date) -> None:
    family, unit = line["Product Family"], line["Unit"]
    if family not in _FAMILIES or line["StartingRange"] != "0" or line["TermType"] != "OnDemand":
        return
    for (of_family, ending, of_unit), kind in _SERVICES.items():
        if family == of_family and unit == of_unit and _ends(line["usageType"], ending):
            price = _price(line)
            if price is not None:
                found.services[kind, line["Region Code"]] = ServicePrice(kind, line["Region Code"], price, source, day)


def _ends(usage: str, ending: str) -> bool:
    """Whether a usage type is this one, with or without a region's prefix (``EUC1-``), and not a longer word's end."""
    return usage == ending or (usage.endswith(f"-{ending}") and usage.count("-") == ending.count("-") + 1)


def _price(line: _Line) -> Decimal | None:
    """US dollars, without trailing zeros; None for what is free (a tier of its own)."""
    try:
        price = Decimal(line["PricePerUnit"])
    except InvalidOperation:
        raise OfferFileError(f"{line['PricePerUnit'][:40]!r} is not a price ({line['SKU']}).") from None
    if not price.is_finite() or (price and not _LEAST <= price < _MOST):
        raise OfferFileError(f"{line['PricePerUnit'][:40]} is not a price ({line['SKU']}); allowed: 0, or {_LEAST} to {_MOST} US dollars.")
    return Decimal(format(price.normalize(), "f")) if price else None


def _day(published: str) -> date:
    try:
        return date.fromisoformat(published[:10])
    except ValueError:
        raise OfferFileError(f"its publication date {published!r} is not a date.") from None
