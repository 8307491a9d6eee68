"""Records as CloudEvents 1.0, in their JSON form: what event stores and SIEMs take in.

``id`` is the record's place in its chain, which is unique below ``source``, the environment. ``data`` is the whole record: who has the
exported events can verify the chain again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from gpuplane.delivery.audit.event import Record

_TYPE: Final = "gpuplane.audit.{kind}.v1"


def cloud_event(record: Record) -> dict[str, Any]:
    """One record as a CloudEvent; ``sequence`` is the specification's own extension."""
    event = {
        "specversion": "1.0", "id": f"{record.sequence}", "source": f"/gpuplane/environments/{record.environment}",
        "type": _TYPE.format(kind=record.kind), "time": record.at, "datacontenttype": "application/json",
        "sequence": f"{record.sequence:012d}", "data": record.value()}
    return {**event, "subject": record.subject} if record.subject else event


def cloud_event_lines(records: Iterable[Record]) -> str:
    """One event a line."""
    return "".join(json.dumps(cloud_event(record), sort_keys=True, ensure_ascii=False) + "\n" for record in records)
