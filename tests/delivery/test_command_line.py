"""The command line end to end, offline: what a pull request gets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from gpuplane.cli import cli
from tests.delivery.files import edit

ROOT = Path(__file__).resolve().parents[2]
AS_OF = "2026-11-21"


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """A copy of the repository's environments."""
    return Path(shutil.copytree(ROOT / "environments", tmp_path / "environments"))


def _run(*arguments: str, environments: Path) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--environments", str(environments), "--as-of", AS_OF])


def _line(path: Path, start: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if line.strip().startswith(start))


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_the_environments_of_this_repository_pass(environment: str, environments: Path) -> None:
    result = _run("preview", environment, "--format", "json", environments=environments)

    assert json.loads(result.stdout)["blocking"] == []
    assert result.exit_code == 0


@pytest.mark.parametrize(("rule", "file", "old", "new", "field"), [
    ("QF-04", "services/support/chat.yaml", "max_replicas: ", "max_replicas: 9", "max_replicas"),
    ("PII-06", "services/support/chat.yaml", "  scaling:", "  logging: {mode: all, url: http://sink.example.svc}\n  scaling:", "logging"),
    ("PII-06", "services/support/chat.yaml", "      arguments:", "      arguments:\n        enable_log_requests: true", "arguments"),
    ("CB-01", "tenants/support.yaml", "budget_usd_per_month: ", "budget_usd_per_month: 1 # ", "budget_usd_per_month"),
    ("CB-01", "tenants/support.yaml", "budget_usd_per_month: 72000", "budget: {usd_per_month: 1}", "budget"),
    ("QF-06", "tenants/support.yaml", "nominal_quota: 12", "nominal_quota: 12\n      borrowing_limit: 500", "borrowing_limit"),
    ("QF-10", "services/support/chat.yaml", "max_model_len: ", "max_model_len: 2000000 # ", "max_model_len"),
    ("CB-01", "environment.yaml", "budget_usd_per_month: ", "budget_usd_per_month: 2 # ", "budget_usd_per_month"),
])
def test_a_wish_that_cannot_be_granted_is_refused_with_file_and_line(
        environments: Path, rule: str, file: str, old: str, new: str, field: str) -> None:
    path = environments / "prod" / file
    edit(path, old, new)

    result = _run("preview", "prod", "--format", "json", environments=environments)

    sentences = json.loads(result.stdout)["blocking"]
    assert result.exit_code == 1
    assert len(sentences) == 1
    assert sentences[0].startswith(f"{path}:{_line(path, field)} {rule}: ")


def test_every_file_is_written_and_twice_the_same(environments: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert _run("preview", "prod", "--out", str(tmp_path / name), environments=environments).exit_code == 0

    first, second = ({path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
                     for name in ("one", "two"))
    assert {"plan.json", "report.md", "report.html", "findings.sarif", "findings.junit.xml"} <= first.keys()
    assert sum(name.startswith("manifests/") for name in first) > 50
    assert first == second


@pytest.mark.parametrize("output_format", ["text", "markdown", "json", "html", "sarif", "junit"])
def test_every_format_is_printed_to_stdout_and_progress_is_not(environments: Path, output_format: str) -> None:
    result = _run("preview", "local", "--format", output_format, environments=environments)

    assert len(result.stdout) > 200
    assert "judging" not in result.stdout
    assert "judging" in result.stderr


def test_wrong_input_is_status_2_with_all_errors_and_nothing_written(environments: Path, tmp_path: Path) -> None:
    edit(environments / "prod" / "tenants" / "support.yaml", "owner: ", "ownr: ")
    edit(environments / "prod" / "services" / "support" / "chat.yaml", "memory_gib: ", "memory_gib: 3Gi #")

    result = _run("preview", "prod", "--out", str(tmp_path / "out"), environments=environments)

    assert result.exit_code == 2
    assert "Did you mean owner?" in result.stderr
    assert "chat.yaml" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_former_report_does_not_outlive_what_it_was_about(environments: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run("preview", "local", "--out", str(out), environments=environments).exit_code == 0
    edit(environments / "local" / "tenants" / "support.yaml", "owner: ", "ownr: ")

    assert _run("preview", "local", "--out", str(out), environments=environments).exit_code == 2

    assert list(out.iterdir()) == []


def test_an_error_removes_only_what_a_former_run_wrote(environments: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert _run("preview", "local", "--out", str(out), environments=environments).exit_code == 0
    (out / "notes.md").write_text("mine")
    edit(environments / "local" / "tenants" / "support.yaml", "owner: ", "ownr: ")

    assert _run("preview", "local", "--out", str(out), environments=environments).exit_code == 2

    assert [path.name for path in out.iterdir()] == ["notes.md"]


@pytest.mark.parametrize("name", ["report.md", "plan.json", "manifests/mine.yaml"])
def test_what_others_wrote_stays_where_it_is_and_so_does_the_rest(environments: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    assert _run("preview", "local", "--out", str(out), environments=environments).exit_code == 0
    (out / name).write_text("mine")
    before = sorted(out.rglob("*"))
    edit(environments / "local" / "tenants" / "support.yaml", "owner: ", "ownr: ")

    result = _run("preview", "local", "--out", str(out), environments=environments)

    assert result.exit_code == 2
    assert "choose another path for --out" in result.stderr
    assert sorted(out.rglob("*")) == before
    assert (out / name).read_text() == "mine"


@pytest.mark.parametrize("out", ["environments/local/environment.yaml", "environments/local/environment.yaml/below"])
def test_an_output_folder_that_cannot_be_is_wrong_input(environments: Path, out: str) -> None:
    result = _run("preview", "local", "--out", str(environments.parent / out), environments=environments)

    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_an_unknown_environment_names_those_there_are(environments: Path) -> None:
    result = _run("preview", "production", environments=environments)

    assert result.exit_code == 2
    assert "there are: dev, local, prod, staging" in result.stderr


@pytest.fixture
def repository(environments: Path) -> Path:
    """A git repository that holds only wishes, with everything committed."""
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=environments.parent, check=True)
    return environments


def _changes(repository: Path, ref: str = "main") -> list[dict[str, Any]]:
    result = _run("preview", "local", "--against", ref, "--format", "json", environments=repository)
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)["changes"]
    return found


def test_against_the_same_ref_nothing_changes(repository: Path) -> None:
    assert _changes(repository) == []


def test_against_a_ref_one_edit_is_one_change(repository: Path) -> None:
    edit(repository / "local" / "tenants" / "research.yaml", "borrowing_limit: 4", "borrowing_limit: 3")

    changes = _changes(repository)

    assert [(one["action"], one["kind"], one["name"]) for one in changes] == [("update", "ClusterQueue", "research")]
    assert any(field["path"].endswith("borrowingLimit") and (field["before"], field["after"]) == ("4", "3") for field in changes[0]["fields"])


def test_against_a_ref_a_new_service_is_created_and_an_old_one_deleted(repository: Path) -> None:
    folder = repository / "local" / "services" / "search"
    (folder / "embeddings.yaml").rename(folder / "vectors.yaml")
    edit(folder / "vectors.yaml", "name: embeddings", "name: vectors")

    changes = _changes(repository)

    assert {(one["action"], one["name"]) for one in changes} == {("delete", "embeddings"), ("create", "vectors")}


def test_that_something_protected_would_go_is_a_refusal(repository: Path) -> None:
    (repository / "prod" / "tenants" / "research.yaml").unlink()
    shutil.rmtree(repository / "prod" / "services" / "research")

    result = _run("preview", "prod", "--against", "main", "--format", "json", environments=repository)

    assert result.exit_code == 1
    assert any("Namespace research is protected, and this change would delete it" in sentence for sentence in json.loads(result.stdout)["blocking"])


@pytest.mark.parametrize(("approved", "refused"), [("", True), (", approved_usd_per_month: 46000", False)])
def test_a_step_over_the_limit_of_a_budget_is_refused_until_somebody_approves_it(repository: Path, approved: str, refused: bool) -> None:
    edit(repository / "prod/tenants/support.yaml", "budget_usd_per_month: 72000",
          f"budget: {{usd_per_month: 72000, increase: {{max_percent: 5{approved}}}}}")
    edit(repository / "prod/services/support/chat.yaml", "min_replicas: 2", "min_replicas: 3")

    result = _run("preview", "prod", "--against", "main", "--format", "json", environments=repository)

    found = [sentence for sentence in json.loads(result.stdout)["blocking"] if "CB-03: " in sentence]
    assert (result.exit_code == 1) == refused
    assert len(found) == refused
    if refused:
        assert "this change raises the minimum of tenant support from 42 951.50 USD to 45 712.80 USD a month" in found[0]
        assert "more than the 5 % of 42 951.50 USD that one change may cost. Take smaller steps" in found[0]


@pytest.mark.parametrize(("budget", "passes"), [
    ("{usd_per_month: 39000, block_percent: 120}", True), ("{usd_per_month: 35000, block_percent: 120}", False),
    ("{usd_per_month: 39000}", False), ("{usd_per_month: 60000, basis: worst_case, block_percent: 120}", True),
    ("{usd_per_month: 47500, basis: expected, block_percent: 105}", True)])
def test_the_rule_on_objects_refuses_no_budget_that_the_plan_allows(environments: Path, budget: str, passes: bool) -> None:
    edit(environments / "prod/tenants/support.yaml", "budget_usd_per_month: 72000", f"budget: {budget}")

    result = _run("preview", "prod", "--format", "json", environments=environments)

    refused = {finding["message"] for finding in json.loads(result.stdout)["findings"] if finding["rule"] == "CB-01"}
    assert (result.exit_code == 0) == passes == (not refused)


def test_the_rule_on_objects_knows_that_reserved_nodes_are_cheaper(environments: Path) -> None:
    edit(environments / "prod/node-pools/a100.yaml", "    max_nodes: 2\n", "    max_nodes: 2\n    reserved: {nodes: 2, term: 1y}\n")
    edit(environments / "prod/tenants/support.yaml", "budget_usd_per_month: 72000", "budget_usd_per_month: 36000")

    result = _run("preview", "prod", "--format", "json", environments=environments)

    report = json.loads(result.stdout)
    assert Decimal(report["plan"]["tenants"]["support"]["committed_usd_per_month"]) < 36000
    assert [finding["message"] for finding in report["findings"] if finding["rule"] == "CB-01"] == []


@pytest.mark.parametrize(("rule", "message"), [("ZZ-99", 'there is no rule "ZZ-99"'), ("QF-04", "cannot be waived")])
def test_an_exemption_that_could_waive_nothing_is_an_error(environments: Path, rule: str, message: str) -> None:
    edit(environments / "prod" / "exemptions.yaml", "exemptions: []", f"""exemptions:
    - rule: {rule}
      resource: {{kind: InferenceService, namespace: support, name: chat}}
      owner: platform
      reason: because we say so
      approval: pull request 7
      expires: "2027-01-01\"""")

    result = _run("preview", "prod", environments=environments)

    assert result.exit_code == 2
    assert message in result.stderr


def test_what_is_applied_is_not_judged_in_the_past(environments: Path) -> None:
    result = CliRunner().invoke(cli, ["up", "local", "--environments", str(environments), "--as-of", "2020-01-01"])

    assert result.exit_code == 2
    assert "has passed" in result.stderr


def test_a_preview_does_not_depend_on_the_environment_and_leaks_nothing_of_it(environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _run("preview", "prod", "--format", "json", environments=environments).stdout
    for name in ("KUBECONFIG", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", "AWS_REGION", "AWS_ACCESS_KEY_ID", "PULUMI_CONFIG"):
        monkeypatch.setenv(name, '{"token": "TOPSECRET"}')

    after = _run("preview", "prod", "--format", "json", environments=environments).stdout

    assert "TOPSECRET" not in after
    assert after == before


@pytest.mark.parametrize("arguments", [("--engine", "pulumi", "--out", "x"), ("--engine", "pulumi", "--against", "HEAD"), ("--layer", "tenants")])
def test_an_option_that_would_be_ignored_is_refused(environments: Path, arguments: tuple[str, ...]) -> None:
    assert _run("preview", "local", *arguments, environments=environments).exit_code == 2


def test_a_ref_that_is_not_there_is_status_2(repository: Path) -> None:
    result = _run("preview", "local", "--against", "nowhere", environments=repository)

    assert result.exit_code == 2
    assert "nowhere" in result.stderr


def test_help_loads_no_provider() -> None:
    code = ("import sys\nfrom gpuplane.cli import cli\n"
            "try: cli(['--help'])\nexcept SystemExit: pass\n"
            "print(sorted({name.split('.')[0] for name in sys.modules} & {'pulumi', 'pulumi_kubernetes', 'kserve', 'pydantic', 'rich', 'yaml'}))")

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_up_without_the_pulumi_cli_says_how_to_get_it(environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    result = CliRunner().invoke(cli, ["up", "local", "--environments", str(environments)])

    assert result.exit_code == 2
    assert "make tools" in result.stderr


def test_rules_and_explain_say_what_there_is() -> None:
    listed = CliRunner().invoke(cli, ["rules"])
    explained = CliRunner().invoke(cli, ["explain", "qf-04"])
    unknown = CliRunner().invoke(cli, ["explain", "XX-99"])

    assert len(listed.stdout.splitlines()) >= 15
    assert "Fails:" in explained.stdout
    assert unknown.exit_code == 2
    assert "QF-04" in unknown.stderr


def test_check_judges_foreign_manifests(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: bad, namespace: x}\nspec:\n  containers:\n"
                                       "  - {name: a, image: b, securityContext: {privileged: true}}\n")

    result = CliRunner().invoke(cli, ["check", str(tmp_path), "--format", "json"])

    assert result.exit_code == 1
    assert "WS-01" in {finding["rule"] for finding in json.loads(result.stdout)["findings"]}


def test_an_exemption_that_nothing_needs_is_printed_and_advised_against(environments: Path) -> None:
    edit(environments / "prod" / "exemptions.yaml", "exemptions: []", """exemptions:
    - rule: WS-01
      resource: {kind: InferenceService, namespace: support, name: chat}
      owner: platform
      reason: the driver was in the image
      approval: pull request 7
      expires: "2027-01-01\"""")

    result = _run("preview", "prod", "--format", "json", environments=environments)

    (finding,) = (each for each in json.loads(result.stdout)["findings"] if each["rule"] == "EX-01")
    assert "exemption of InferenceService chat from WS-01 (platform, until 2027-01-01, approved in pull request 7) waives nothing" in finding["message"]
    assert (result.exit_code, finding["severity"]) == (0, "low")
    assert finding["line"] == _line(environments / "prod" / "exemptions.yaml", "- rule: WS-01")


@pytest.mark.parametrize("arguments", [(), ("x.yaml", "--bypass", "prod"), ("--bypass", "prod", "--format", "sarif")])
def test_check_wants_manifests_or_an_environment(arguments: tuple[str, ...], environments: Path) -> None:
    assert _run("check", *arguments, environments=environments).exit_code == 2


def test_the_environments_have_no_way_round_for_tenants(environments: Path) -> None:
    result = _run("check", "--bypass", "prod", "--format", "json", environments=environments)

    report = json.loads(result.stdout)
    assert (result.exit_code, report["environment"], len(report["kinds"])) == (0, "prod", 6)
    assert [way["message"] for way in report["ways"] if way["severity"] == "high"] == []


def test_every_number_that_an_option_takes_has_an_end() -> None:
    def options(command: click.Command) -> Iterator[click.Option]:
        yield from (each for each in command.params if isinstance(each, click.Option))
        for child in command.commands.values() if isinstance(command, click.Group) else ():
            yield from options(child)

    endless = [each.opts[-1] for each in options(cli) if not each.is_flag and not each.count
               and (each.type is click.INT or (isinstance(each.type, click.IntRange) and each.type.max is None))]
    assert endless == []
