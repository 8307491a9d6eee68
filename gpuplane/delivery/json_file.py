"""A JSON file that somebody hands over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart

_MODEL_CONFIG_BYTES = 2_000_000


def loads(text: str) -> Any:
    """A JSON value whose texts can all be written.

    Raises:
        ValueError: it is no JSON, or holds half of a character (``\\ud800``).
        RecursionError: it is nested too deeply.
    """
    found = json.loads(text)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(found, ensure_ascii=False).encode()
    return found


def object_in(file: Path, most_bytes: int) -> dict[str, Any]:
    """The object in a file.

    Args:
        most_bytes: that one of its kind has.

    Raises:
        OSError: the system says no.
        ValueError: what the file is: larger, not JSON, or not an object.
    """
    if (size := file.stat().st_size) > most_bytes:
        raise ValueError(f"larger than {most_bytes} bytes ({size}). Check the path")
    try:
        found = loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def read_object(file: Path, most_bytes: int) -> dict[str, Any]:
    """The object in a file that somebody names.

    Raises:
        CannotStart: it cannot be read, is larger, no JSON, or no object.
    """
    try:
        return object_in(file, most_bytes)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise CannotStart(f"{file} is {error}.") from None


def read_model_config(file: Path) -> dict[str, Any]:
    """A model's ``config.json``, as Hugging Face has it.

    Raises:
        CannotStart: it cannot be read, or is none.
    """
    return read_object(file, _MODEL_CONFIG_BYTES)
