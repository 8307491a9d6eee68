"""The page of fields is what the models say now."""

from __future__ import annotations

from pathlib import Path

from gpuplane.spec.field_reference import reference
from gpuplane.spec.loader import KINDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "fields.md"


def test_the_page_in_docs_is_what_comes_out() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run make generate"


def test_every_kind_and_every_field_has_a_meaning() -> None:
    rows = [line for line in reference().splitlines() if line.startswith(("| `spec", "| **`spec"))]

    assert all(f"\n## {kind}\n" in reference() for kind in KINDS)
    assert [row for row in rows if row.endswith("|  |")] == []
