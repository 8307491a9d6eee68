"""The JSON form of ``gpuplane rehearse``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.planning.json_value import json_value

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""


@dataclass(frozen=True)
class RehearsalJson:
    """What `gpuplane rehearse --format json` prints.

    Attributes:
        verdict: `agree`: everything that was looked at is as the plan says.
    """

    schema_version: int
    verdict: Literal["agree", "disagree"]
    rehearsal: Rehearsal


def to_json(found: Rehearsal) -> str:
    """One JSON object; ``schema_version`` tells its shape."""
    value = RehearsalJson(SCHEMA_VERSION, "agree" if found.agrees else "disagree", found)
    return json.dumps(json_value(value), indent=2, ensure_ascii=False) + "\n"
