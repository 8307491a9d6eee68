"""What is published as JSON Schema is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from gpuplane.cli import cli
from gpuplane.delivery.published_schemas import published_schemas, published_texts, write_published

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "schema"


@pytest.mark.parametrize("name", published_schemas())
def test_a_schema_is_valid_and_published_as_it_is(name: str) -> None:
    Draft202012Validator.check_schema(published_schemas()[name])

    assert (PUBLISHED / name).read_text(encoding="utf-8") == published_texts()[name]


def test_writing_them_makes_the_folder(tmp_path: Path) -> None:
    write_published(tmp_path / "new")

    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()} == published_texts()


def test_a_folder_that_takes_no_schema_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "cost.json").mkdir()

    found = CliRunner().invoke(cli, ["schema", str(tmp_path)])

    assert found.exit_code == 2
    assert "cannot be written: Is a directory" in found.stderr
