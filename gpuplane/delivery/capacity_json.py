"""The JSON form of ``gpuplane capacity``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gpuplane.delivery.capacity_cheapest import CheapestFleet
from gpuplane.delivery.capacity_report import CapacityReport, CapacityRow
from gpuplane.planning.cohorts.admission import Admission, NotKnown
from gpuplane.planning.json_value import json_value
from gpuplane.planning.refusal import Refusal

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""


@dataclass(frozen=True)
class AdmittedReplicas:
    """Replicas by service (`tenant/service`): how many there are to be, how many get their quota, and how many wait.

    Attributes:
        by_timing: fewest and most that get it, of the services of which the clock decides; null where there are too many to look.
    """

    wanted: Mapping[str, int]
    admitted: Mapping[str, int]
    pending: Mapping[str, int]
    by_timing: Mapping[str, tuple[int, int]] | None


@dataclass(frozen=True)
class CapacityAdmission:
    """Who is admitted when all services start at once; null where that is not known."""

    at_minimum: AdmittedReplicas | None
    at_maximum: AdmittedReplicas | None


@dataclass(frozen=True)
class CapacityJson:
    """What `gpuplane capacity --format json` prints.

    Attributes:
        tree: the cohorts, a line each.
        cheapest: null where it was not asked for.
    """

    schema_version: int
    environment: str
    as_of: date
    rows: tuple[CapacityRow, ...]
    tree: tuple[str, ...]
    admission: CapacityAdmission
    cheapest: CheapestFleet | None
    refusals: tuple[Refusal, ...]


def to_json(report: CapacityReport) -> str:
    """One JSON object; ``schema_version`` tells its shape."""
    planned = report.planned
    value = CapacityJson(SCHEMA_VERSION, planned.environment, planned.as_of, report.rows, report.tree,
                         CapacityAdmission(_admitted(report.minimum), _admitted(report.maximum)), report.cheapest, tuple(planned.refusals))
    return json.dumps(json_value(value), indent=2, ensure_ascii=False) + "\n"


def _admitted(found: Admission | NotKnown) -> AdmittedReplicas | None:
    if isinstance(found, NotKnown):
        return None
    return AdmittedReplicas(found.wanted, found.admitted, found.pending, found.by_timing if found.timed else None)
