"""JSON in texts of objects: policies of AWS, dashboards, annotations."""

from __future__ import annotations

import json
from typing import Any


def json_in(text: str) -> Any:
    """What a text says; None where it is no JSON, or nested more deeply than Python reads."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
