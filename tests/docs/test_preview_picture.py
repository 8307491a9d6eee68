"""The picture in README.md is what gpuplane says today."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

from tests.docs.preview_picture import picture, refused

ROOT = Path(__file__).resolve().parents[2]


def test_the_picture_is_what_a_preview_says_and_asks_nobody_for_anything() -> None:
    drawn = picture(refused(ROOT / "environments"))

    assert drawn == (ROOT / "docs/images/preview.svg").read_text(encoding="utf-8"), "`make generate` draws it again"
    words = " ".join("".join(fromstring(drawn).itertext()).replace("\xa0", " ").split())
    assert "REFUSED" in words
    assert "QF-04" in words
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")
