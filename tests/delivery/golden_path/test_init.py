"""``gpuplane init``: a company's own repository that works from its first commit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from gpuplane import __version__
from gpuplane.cli import cli

ROOT = Path(__file__).resolve().parents[3]


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["init", str(folder), *arguments])


def paths(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_wishes_rules_facts_ci_and_the_pinned_engine(tmp_path: Path) -> None:
    done = init(tmp_path / "acme")

    found = paths(tmp_path / "acme")
    assert done.exit_code == 0, done.output
    assert {"README.md", "requirements.txt", "environments/catalog.yaml", "rules/acme_rules/telling_names.py", "rules/pyproject.toml",
            ".github/workflows/judge.yaml", ".gitignore", "schemas/tenant.json"} <= found
    assert (tmp_path / "acme/locked.txt").read_text() == (ROOT / "locks/program.txt").read_text()
    assert f"gpuplane=={__version__}\n./rules\n" in (tmp_path / "acme/requirements.txt").read_text()
    assert not any(".gpuplane-" in path for path in found)


@pytest.mark.parametrize(("ci", "file"), [("github", ".github/workflows/judge.yaml"), ("gitlab", ".gitlab-ci.yml")])
def test_the_ci_is_yaml_that_judges_by_the_base(tmp_path: Path, ci: str, file: str) -> None:
    init(tmp_path, "--name", "Acme GPU platform", "--ci", ci)

    text = (tmp_path / file).read_text()
    assert yaml.safe_load(text)
    assert "$$" not in text
    # One command asks rules, budgets and gates of promotion of the base; gates need its whole history.
    assert re.findall(r"gpuplane (\S+) .*? --judge ", text) == ["preview"]
    assert re.search(r"(fetch-depth|GIT_DEPTH): 0\n", text)


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "GitHub judges each change, the gates of promotion included, and does nothing else. With --workflows"),
    (("--ci", "gitlab"), "GitLab judges each change"), (("--workflows", "acme/gpuplane@main"), "What to set in GitHub beside it"),
    (("--ci", "none"), "wrote ")])
def test_it_says_what_else_there_is(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = init(tmp_path / "new", *arguments)

    assert said in done.stdout
    assert ("judges each change" in done.stdout) == ("With --workflows" in said or "judges" in said)


def test_gitlab_s_pipeline_includes_the_template_as_the_documentation_does(tmp_path: Path) -> None:
    done = init(tmp_path, "--name", "acme", "--ci", "gitlab", "--workflows", f"platform/engines/gpuplane@{'c' * 40}")
    page = (ROOT / "docs/continuous-integration.md").read_text(encoding="utf-8")
    documented = yaml.safe_load(re.findall(r"```yaml\n(# \.gitlab-ci.*?)```", page, re.DOTALL)[0])
    header, _ = yaml.safe_load_all((ROOT / ".gitlab/gpuplane.yaml").read_text(encoding="utf-8"))

    (include,) = yaml.safe_load((tmp_path / ".gitlab-ci.yml").read_text())["include"]
    assert done.exit_code == 0, done.output
    assert (include["project"], include["ref"]) == ("platform/engines/gpuplane", "c" * 40)
    assert (include["file"], set(include), set(include["inputs"])) == (
        documented["include"][0]["file"], set(documented["include"][0]), set(documented["include"][0]["inputs"]))
    assert set(include["inputs"]) <= set(header["spec"]["inputs"])
    assert not (tmp_path / ".github").exists()


def needed(called: dict[str, Any]) -> dict[str, str]:
    """What the jobs of a workflow ask for: with less of it GitHub does not even start them."""
    asked: dict[str, str] = {}
    for rights in (job["permissions"] for job in called["jobs"].values()):
        asked |= {right: "write" if "write" in (level, asked.get(right)) else "read" for right, level in rights.items()}
    return asked


def test_workflows_of_ones_own_are_ten_lines_that_call_gpuplanes(tmp_path: Path) -> None:
    done = init(tmp_path, "--name", "acme", "--workflows", f"acme/gpuplane@{'c' * 40}")

    files = sorted((tmp_path / ".github/workflows").iterdir())
    assert done.exit_code == 0, done.output
    assert [path.stem for path in files] == ["comment", "drift", "judge", "preview", "promote", "up"]
    for path in files:
        body = yaml.safe_load(path.read_text())
        job, = body["jobs"].values()
        assert body["permissions"] == {}
        assert job["uses"] == f"acme/gpuplane/.github/workflows/{path.name}@{'c' * 40}"
        assert job["permissions"] == needed(yaml.safe_load((ROOT / ".github/workflows" / path.name).read_text()))
        assert len(path.read_text().splitlines()) <= 22


@pytest.mark.parametrize("workflows", ["acme/engines/gpuplane@main", "acme/gpuplane", "acme@main", "acme/gpuplane@$(id)", "../x@main"])
def test_workflows_are_named_by_repository_and_revision(tmp_path: Path, workflows: str) -> None:
    assert init(tmp_path / "new", "--workflows", workflows).exit_code == 2
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten_and_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours\n")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/catalog.yaml").write_text("ours\n")

    done = init(tmp_path)

    assert done.exit_code == 2
    assert "README.md, environments/catalog.yaml already" in done.stderr
    assert paths(tmp_path) == {"README.md", "environments/catalog.yaml"}


@pytest.mark.parametrize("name", ["../x", "$HOME", "a\nb", ""])
def test_a_name_is_text_and_no_path_or_template(tmp_path: Path, name: str) -> None:
    done = init(tmp_path / "new", "--name", name)

    assert done.exit_code == (0 if not name else 2)
    assert "$" not in "".join(paths(tmp_path))


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with an environment, whose rules are installed: what pip would do, without a network."""
    folder = tmp_path_factory.mktemp("acme") / "acme"
    assert init(folder).exit_code == 0
    shutil.copytree(ROOT / "docs/examples/02-smallest-environment/environments/team", folder / "environments/team")
    metadata = folder / "rules/acme_rules-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme_rules\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[gpuplane.rules]\nacme_rules = acme_rules\n")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder / "rules"), str(ROOT)))}
    return subprocess.run([sys.executable, "-m", "gpuplane", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_the_rules_of_its_own_do_what_their_examples_say(started: Path) -> None:
    done = run(started, "rules", "--examples")

    assert (done.returncode, done.stderr, done.stdout) == (0, "", "the examples of 1 own rule say what they should\n")
    assert "XA-01" in run(started, "rules").stdout


def test_a_rule_of_its_own_judges_beside_all_shipped_ones(started: Path) -> None:
    service = started / "environments/team/services/chat/qwen.yaml"
    (service.parent / "test.yaml").write_text(service.read_text().replace("name: qwen", "name: test").replace("max_replicas: 2", "max_replicas: 1"))
    rule = started / "rules/acme_rules/telling_names.py"
    rule.write_text(rule.read_text().replace('severity = "low"', 'severity = "high"'))

    done = run(started, "preview", "team", "--as-of", "2026-11-21")

    assert done.returncode == 1
    assert "services/chat/test.yaml:4 XA-01: InferenceService chat/test is called test" in done.stdout
    assert "125 rules" in done.stdout
