"""Quotas of a cloud account that GPU nodes count against: vCPUs by instance family and purchase option."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from gpuplane.catalog.data_files import read_rows, sources


@dataclass(frozen=True)
class CloudQuota:
    """One quota of Service Quotas, in vCPUs of running nodes.

    Attributes:
        name: as ``cloud_quotas`` of environment.yaml calls it.
        code: its code in Service Quotas; quota: its name there.
        capacity_type: ``on_demand`` or ``spot``.
        families: prefixes of the instance families that count.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    code: str
    quota: str
    capacity_type: str
    families: tuple[str, ...]
    source: str
    as_of: date

    def counts(self, instance_type: str, capacity_type: str) -> bool:
        """Whether nodes of this type and purchase option count against it."""
        family = instance_type.partition(".")[0]
        return capacity_type == self.capacity_type and any(
            family.startswith(prefix) and (prefix[-1].isdigit() or family[len(prefix):len(prefix) + 1].isdigit())
            for prefix in self.families)


@cache
def load_cloud_quotas() -> tuple[CloudQuota, ...]:
    """Every cloud quota of the catalogue, by name."""
    rows = sorted(read_rows("cloud-quotas.tsv"), key=lambda row: row["name"])
    return tuple(_quota(row) for row in rows)


def cloud_quota_of(instance_type: str, capacity_type: str) -> CloudQuota | None:
    """The quota that an instance type counts against; None where the catalogue does not know."""
    return next((quota for quota in load_cloud_quotas() if quota.counts(instance_type, capacity_type)), None)


def _quota(row: dict[str, str]) -> CloudQuota:
    source = sources()[row["source"]]
    return CloudQuota(name=row["name"], code=row["code"], quota=row["quota"], capacity_type=row["capacity_type"],
                      families=tuple(row["families"].split()), source=source.text, as_of=source.as_of)
