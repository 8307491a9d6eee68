"""Every example in the documentation runs."""

from __future__ import annotations

import runpy
from datetime import date
from pathlib import Path

import pytest

from gpuplane.delivery.preview import preview
from gpuplane.spec.loader import environment_names, load_environment
from tests.components.recorded import record

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
PROGRAMS = sorted(EXAMPLES.glob("*/__main__.py"))
ENVIRONMENTS = sorted((folder, name) for folder in EXAMPLES.glob("*/environments") for name in environment_names(folder))


def test_there_are_examples_and_each_is_run() -> None:
    run = {path.parent for path in PROGRAMS} | {folder.parent for folder, _ in ENVIRONMENTS}

    assert len(run) >= 2
    assert run == {path for path in EXAMPLES.iterdir() if path.is_dir()}
    assert all((path / "README.md").is_file() for path in run)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.parent.name)
def test_a_program_registers_its_resources(program: Path) -> None:
    views = record(lambda: runpy.run_path(str(program)))

    assert {"Namespace", "ClusterQueue", "ValidatingAdmissionPolicy"} <= {view.kind for view in views}


@pytest.mark.parametrize(("folder", "name"), ENVIRONMENTS, ids=lambda value: value if isinstance(value, str) else value.parent.name)
def test_an_environment_passes(folder: Path, name: str) -> None:
    report = preview(load_environment(folder, name), date(2026, 11, 21))

    assert [finding.message for finding in report.blocking] == []
