"""``gpuplane environments``: what a pipeline runs over."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.cli import cli
from gpuplane.delivery.environments_command import concerned

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["dev", "prod", "staging"]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["environments", *arguments])


def _git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(["git", *identity, *arguments], cwd=where, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "all")
    return tmp_path / "environments"


@pytest.mark.parametrize(("changed", "found"), [
    ([], []), (["environments/prod/services/a/b.yaml"], ["prod"]), (["environments/prod/x", "environments/dev/y"], ["dev", "prod"]),
    (["environments/catalog.yaml"], NAMES), (["requirements.txt"], NAMES), (["README.md", "docs/a.png"], []), (None, NAMES),
    (["environments/gone/x"], NAMES), (["environments/prod"], NAMES), (["environments"], NAMES)])
def test_which_environments_a_change_concerns(changed: list[str] | None, found: list[str]) -> None:
    assert concerned(NAMES, changed, "environments") == found


@given(st.lists(st.sampled_from(["environments/prod/a", "environments/dev/b", "README.md", "gpuplane/cli.py", "x"]), max_size=4),
       st.sampled_from(["environments/prod/c", "requirements.txt", "README.md"]))
def test_another_file_never_takes_an_environment_away(changed: list[str], more: str) -> None:
    assert set(concerned(NAMES, changed, "environments")) <= set(concerned(NAMES, [*changed, more], "environments"))


def test_all_are_listed_in_order(repository: Path) -> None:
    lines = _run("--environments", str(repository)).stdout.splitlines()

    assert lines == sorted(lines)
    assert {"dev", "prod"} <= set(lines)
    assert json.loads(_run("--environments", str(repository), "--format", "json").stdout) == lines


def test_what_a_commit_concerns_is_listed(repository: Path) -> None:
    before = _git(repository, "rev-parse", "HEAD")
    with (repository / "prod/environment.yaml").open("a") as file:
        file.write("# more\n")
    _git(repository, "commit", "-qam", "prod")

    assert _run("--environments", str(repository), "--since", before).stdout.splitlines() == ["prod"]
    assert _run("--environments", str(repository), "--since", "HEAD").stdout.strip() == ""
    assert _run("dev", "--environments", str(repository), "--since", before).stdout.splitlines() == ["dev"]
    unknown = _run("--environments", str(repository), "--since", "0" * 40)
    assert len(unknown.stdout.splitlines()) > 1
    assert "every environment is named" in unknown.stderr


def test_one_that_goes_is_not_forgotten(repository: Path, tmp_path: Path) -> None:
    head = tmp_path / "head"
    shutil.copytree(repository, head)
    shutil.rmtree(head / "prod")

    assert "prod" not in _run("--environments", str(head)).stdout.splitlines()
    assert "prod" in _run("--environments", str(head), "--also", str(repository)).stdout.splitlines()


@pytest.mark.parametrize(("arguments", "said"), [(("--environments", "nowhere"), "no folder"), (("party",), "there is no environment")])
def test_what_is_not_there_is_said(arguments: tuple[str, ...], said: str, repository: Path) -> None:
    found = _run(*arguments, *(() if "--environments" in arguments else ("--environments", str(repository))))

    assert found.exit_code == 2
    assert said in found.stderr
