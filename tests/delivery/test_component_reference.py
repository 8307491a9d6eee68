"""The page of components is what they register now."""

from __future__ import annotations

from pathlib import Path

from gpuplane.delivery.component_reference import components, reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_in_docs_is_what_comes_out() -> None:
    page = reference([ROOT / "environments", *sorted((ROOT / "docs" / "examples").glob("*/environments"))])

    assert (ROOT / "docs" / "reference" / "components.md").read_text(encoding="utf-8") == page, "run make generate"


def test_every_component_says_what_it_is_and_what_its_arguments_are() -> None:
    for component in components():
        section = next(part for part in (ROOT / "docs/reference/components.md").read_text().split("\n## ") if part.startswith(f"{component.__name__}\n"))
        assert len(section.splitlines()) > 5
