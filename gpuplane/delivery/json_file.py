"""A JSON file that somebody hands over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart


def loads(text: str) -> Any:
    """A JSON value whose texts can all be written.

    Raises:
        ValueError: it is no JSON, or holds half of a character (``\\ud800``).
        RecursionError: it is nested too deeply.
    """
    found = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(found, ensure_ascii=False).encode()
    return found


def read_object(file: Path, most_bytes: int) -> dict[str, Any]:
    """The object in a file.

    Args:
        most_bytes: that one of its kind has.

    Raises:
        CannotStart: it cannot be read, is larger, no JSON, or no object.
    """
    try:
        if (size := file.stat().st_size) > most_bytes:
            raise CannotStart(f"{file} is larger than {most_bytes} bytes ({size}). Check the path.")
        found = loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise CannotStart(f"{file} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise CannotStart(f"{file} is not a JSON object.")
    return found
