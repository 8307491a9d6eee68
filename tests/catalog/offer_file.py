"""A small offer file in AWS's documented form: what must be read, and beside it all that looks like it and must not."""

from __future__ import annotations

import csv
import io

HEADER = ["SKU", "OfferTermCode", "RateCode", "TermType", "PriceDescription", "EffectiveDate", "StartingRange", "EndingRange", "Unit", "PricePerUnit", "Currency", "RelatedTo", "LeaseContractLength", "PurchaseOption", "OfferingClass", "Product Family", "serviceCode", "Location", "Location Type", "Instance Type", "Current Generation", "Instance Family", "vCPU", "Memory", "Tenancy", "Operating System", "License Model", "Transfer Type", "usageType", "operation", "CapacityStatus", "GPU", "MarketOption", "Pre Installed S/W", "Region Code", "Volume API Name"]
_PLAIN = {
    "SKU": "SKU0", "TermType": "OnDemand", "StartingRange": "0", "EndingRange": "Inf", "Unit": "Hrs", "Currency": "USD",
    "Product Family": "Compute Instance", "Instance Family": "GPU instance", "Tenancy": "Shared", "Operating System": "Linux",
    "License Model": "No License required", "operation": "RunInstances", "CapacityStatus": "Used", "MarketOption": "OnDemand",
    "Pre Installed S/W": "NA", "Region Code": "eu-central-1"}


def line(price: str, **values: str) -> dict[str, str]:
    """One price; ``values`` by column, spaces as underscores."""
    return {**_PLAIN, "PricePerUnit": price, **{key.replace("_", " "): value for key, value in values.items()}}


def node(name: str, price: str, **values: str) -> dict[str, str]:
    """A price of an instance type."""
    return line(price, Instance_Type=name, usageType=f"EUC1-BoxUsage:{name}", **values)


def reserved(name: str, price: str, years: int, **values: str) -> dict[str, str]:
    """A standard reservation without upfront."""
    return node(name, price, **{"TermType": "Reserved", "LeaseContractLength": f"{years}yr", "PurchaseOption": "No Upfront",
                                "OfferingClass": "standard", "CapacityStatus": "Used", **values})


def service(family: str, usage: str, unit: str, price: str, **values: str) -> dict[str, str]:
    """A price that is not of an instance type."""
    return line(price, **{"Product_Family": family, "usageType": usage, "Unit": unit, "Tenancy": "", "Operating_System": "",
                          "Instance_Family": "", "MarketOption": "", **values})


READ = [
    node("g6e.xlarge", "2.3270000000"), reserved("g6e.xlarge", "1.4660000000", 1), reserved("g6e.xlarge", "1.0050000000", 3),
    node("g5.xlarge", "1.2580000000"), node("p5.48xlarge", "55.0400000000", Region_Code="us-east-1"),
    service("Storage", "EUC1-EBS:VolumeUsage.gp3", "GB-Mo", "0.0952000000", Volume_API_Name="gp3"),
    service("Load Balancer-Network", "EUC1-LoadBalancerUsage", "Hrs", "0.0270000000"),
    service("Load Balancer-Application", "LoadBalancerUsage", "Hrs", "0.0225000000", Region_Code="us-east-1"),
    service("NAT Gateway", "EUC1-NatGateway-Hours", "Hrs", "0.0520000000"),
    service("Data Transfer", "EUC1-DataTransfer-Out-Bytes", "GB", "0.0900000000", EndingRange="10240"),
]
"""Lines that are prices of ours."""
LEFT = [
    node("g6e.xlarge", "9.9", Operating_System="Windows"), node("g6e.xlarge", "9.9", Tenancy="Dedicated"),
    node("g6e.xlarge", "9.9", Pre_Installed_SW="SQL Std", **{"Pre Installed S/W": "SQL Std"}),
    node("g6e.xlarge", "0.0", CapacityStatus="AllocatedCapacityReservation"), node("g6e.xlarge", "9.9", CapacityStatus="UnusedCapacityReservation"),
    node("g6e.xlarge", "9.9", Currency="CNY"), node("g6e.xlarge", "9.9", MarketOption="CapacityBlock"),
    reserved("g6e.xlarge", "9.9", 1, OfferingClass="convertible"), reserved("g6e.xlarge", "9.9", 1, PurchaseOption="Partial Upfront"),
    reserved("g6e.xlarge", "900", 1, Unit="Quantity"),
    node("m7i.large", "0.1", Instance_Family="General purpose"), node("g9.xlarge", "3.3"),
    service("Storage", "EUC1-EBS:VolumeUsage.gp2", "GB-Mo", "0.119", Volume_API_Name="gp2"),
    service("Data Transfer", "EUC1-DataTransfer-Out-Bytes", "GB", "0.085", StartingRange="10240"),
    service("Data Transfer", "EUC1-USE1-AWS-Out-Bytes", "GB", "0.02"),
    service("Load Balancer", "EUC1-LoadBalancerUsage", "Hrs", "0.03"),
]
"""Lines that are not."""


def offer_file(lines: list[dict[str, str]], offer: str = "AmazonEC2", day: str = "2026-11-20") -> str:
    """The file's text."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerows([("FormatVersion", "v1.0"), ("Disclaimer", "This pricing list is for informational purposes only,\nas a test of line ends."),
                      ("Publication Date", f"{day}T18:04:11Z"), ("Version", day.replace("-", "") + "180411"), ("OfferCode", offer), HEADER])
    writer.writerows([row.get(column, "") for column in HEADER] for row in lines)
    return out.getvalue()
