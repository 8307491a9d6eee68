"""Nothing grows faster than the number of tenants: counted in calls of functions, which are the same on any machine, busy or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from math import log2
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.delivery import chunks
from gpuplane.delivery.preview import preview
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.render_json import to_json
from gpuplane.delivery.render_markdown import render_markdown
from gpuplane.spec.loader import load_environment

AS_OF = date(2026, 11, 22)
SIZES = (24, 48)
MOST = 1.1
"""Exponent above which growth is more than linear."""


def calls(work: Callable[[], Any]) -> int:
    """How many functions are called, those of C too."""
    found = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    former = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(former)
    return found


def counted(folder: Path) -> dict[str, int]:
    """Calls of each stage of a preview, and of each form of its report."""
    spec = load_environment(folder, NAME)
    report = preview(spec, AS_OF)
    return {"loading": calls(lambda: load_environment(folder, NAME)), "preview": calls(lambda: preview(spec, AS_OF)),
            "json": calls(lambda: to_json(report)), "html": calls(lambda: render_html(report)),
            "markdown": calls(lambda: render_markdown(report))}


def test_a_preview_of_twice_the_tenants_is_no_more_than_twice_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_can_fork", lambda: False)  # all of it is counted here
    found = []
    for tenants in (2, *SIZES):  # the first fills what is looked up once
        write_large_environment(tmp_path / str(tenants), tenants, 1)
        found.append(counted(tmp_path / str(tenants)))
    _, smaller, larger = found

    grown = {name: log2(larger[name] / smaller[name]) for name in larger}
    assert all(0.1 < exponent <= MOST for exponent in grown.values()), grown
