"""Golden files: what a report looks like, checked in. ``GPUPLANE_WRITE_GOLDEN=1`` writes them again."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "golden"


def assert_golden(name: str, text: str) -> None:
    """The text is that of the golden file."""
    file = FOLDER / name
    if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8"), f"{file} differs; if that is meant, run with GPUPLANE_WRITE_GOLDEN=1"
