"""Documents of an older version, written anew in place. The older versions are the tests' own: there has been only one so far."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from gpuplane.cli import cli
from gpuplane.delivery import convert as converting
from gpuplane.delivery.whole_file import write_whole
from gpuplane.spec import conversions
from gpuplane.spec.conversions import Conversion, converted, steps_from
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[2]


def _renamed(spec: dict[str, Any]) -> dict[str, Any]:
    return {("owner" if key == "contact" else key): value for key, value in spec.items()}


def _with_unit(spec: dict[str, Any]) -> dict[str, Any]:
    money = spec.pop("budget")
    return {**spec, "budget_usd_per_month": money}


STEPS = (Conversion("gpuplane/v0alpha1", "gpuplane/v0alpha2", {"Tenant": _renamed}),
         Conversion("gpuplane/v0alpha2", "gpuplane/v1", {"Tenant": _with_unit}))


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The local environment with one tenant of the oldest version, and one of the version after it."""
    monkeypatch.setattr(conversions, "CONVERSIONS", STEPS)
    shutil.copytree(ROOT / "environments" / "local", tmp_path / "local")
    for name, version in (("research", "gpuplane/v0alpha1"), ("search", "gpuplane/v0alpha2")):
        path = tmp_path / "local" / "tenants" / f"{name}.yaml"
        text = path.read_text().replace("gpuplane/v1", f"{version}  # the former form").replace("budget_usd_per_month", "budget")
        path.write_text(text.replace("owner:", "contact:") if version.endswith("1") else text)
    return tmp_path


def _run(environments: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["convert", "--environments", str(environments), *options])


def test_an_older_document_names_the_command(old: Path) -> None:
    said = CliRunner().invoke(cli, ["preview", "local", "--environments", str(old)]).stderr

    assert "Run `gpuplane convert`, which writes it in the newer form; with --dry-run it shows how." in said


def test_a_dry_run_shows_the_difference_and_writes_nothing(old: Path) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*.yaml")}

    done = _run(old, "--dry-run")

    assert "-apiVersion: gpuplane/v0alpha1  # the former form\n+apiVersion: gpuplane/v1  # the former form\n" in done.stdout
    assert "-  contact: research-platform@example.com\n" in done.stdout
    assert "2 documents would be converted" in done.stderr
    assert {path: path.read_bytes() for path in old.rglob("*.yaml")} == before


def test_documents_become_what_they_were_and_keep_their_comments(old: Path) -> None:
    assert _run(old).exit_code == 0

    again = _run(old)
    spec = load_environment(old, "local")
    assert "0 documents converted" in again.stderr
    assert spec.tenants == load_environment(ROOT / "environments", "local").tenants
    assert "# what support and search lend" in (old / "local" / "tenants" / "research.yaml").read_text()


def test_nothing_is_written_where_one_document_cannot_be_converted(old: Path) -> None:
    broken = old / "local" / "tenants" / "support.yaml"
    broken.write_text(broken.read_text().replace("gpuplane/v1", "gpuplane/v0alpha0"))
    before = {path: path.read_bytes() for path in old.rglob("*.yaml")}

    done = _run(old)

    assert done.exit_code == 2
    assert "support.yaml:2 apiVersion: gpuplane/v0alpha0 is no version that this gpuplane can convert" in done.stderr
    assert {path: path.read_bytes() for path in old.rglob("*.yaml")} == before


def test_all_files_are_as_they_were_where_one_cannot_be_written(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in old.rglob("*.yaml")}
    calls = list[Path]()

    def full(path: Path, text: str, mode: int = 0o644) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        write_whole(path, text, mode)

    monkeypatch.setattr(converting, "write_whole", full)
    done = _run(old)

    assert done.exit_code == 2
    assert "No space left on device" in done.stderr
    assert {path: path.read_bytes() for path in old.rglob("*.yaml")} == before


def test_a_document_in_one_line_is_not_guessed_at(old: Path) -> None:
    path = old / "local" / "tenants" / "search.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()), default_flow_style=True))

    done = _run(old)

    assert done.exit_code in (0, 2)
    if done.exit_code == 2:
        assert "it is not written as blocks" in done.stderr
    else:
        assert yaml.safe_load(path.read_text())["spec"]["budget_usd_per_month"]


def test_a_document_of_a_newer_version_is_for_a_newer_release(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "environments" / "local", tmp_path / "local")
    path = tmp_path / "local" / "tenants" / "search.yaml"
    path.write_text(path.read_text().replace("gpuplane/v1", "gpuplane/v2"))

    for command in (["preview", "local"], ["convert"]):
        done = CliRunner().invoke(cli, [*command, "--environments", str(tmp_path)])
        assert done.exit_code == 2
        assert "It was written for a newer gpuplane: use that release." in done.stderr


def test_steps_are_taken_one_after_another_and_circles_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "CONVERSIONS", (*STEPS, Conversion("a", "b", {}), Conversion("b", "a", {})))

    assert steps_from("gpuplane/v0alpha1") == STEPS
    assert steps_from("gpuplane/v1") == ()
    assert steps_from("a") is None
    assert steps_from(None) is None
    given = {"apiVersion": "gpuplane/v0alpha1", "kind": "Tenant", "spec": {"contact": "x", "budget": 1}}
    assert converted(given, STEPS) == {"apiVersion": "gpuplane/v1", "kind": "Tenant", "spec": {"owner": "x", "budget_usd_per_month": 1}}
    assert given["spec"] == {"contact": "x", "budget": 1}
