"""``gpuplane audit``: who did what, filtered, verified, and in the form that event stores take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from cloudevents.http import from_json
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.cli import cli
from gpuplane.delivery.audit import AuditEvent, AuditLog, Who, append, audit_log, who_from_claims, who_from_environment
from gpuplane.delivery.audit.cloud_events import cloud_event
from gpuplane.delivery.audit.event import KINDS, record_of
from gpuplane.delivery.audit.schema import audit_schema
from gpuplane.delivery.audit.store import FOLDER, name_of
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[3]
DIGEST = f"sha256:{'ab' * 32}"
ALICE, BOB = Who("alice", "github-actions", "ci-environment", "https://ci.example.com/runs/7"), Who("bob", "local", "none")

CLOUD_EVENT = {
    "type": "object", "required": ["id", "source", "specversion", "type"],
    "propertyNames": {"pattern": "^[a-z0-9]+$", "maxLength": 20},
    "properties": {
        "id": {"type": "string", "minLength": 1}, "source": {"type": "string", "minLength": 1, "format": "uri-reference"},
        "specversion": {"const": "1.0"}, "type": {"type": "string", "minLength": 1}, "subject": {"type": "string", "minLength": 1},
        "datacontenttype": {"const": "application/json"}, "time": {"type": "string", "format": "date-time"}, "data": {}},
    "additionalProperties": {"type": ["string", "boolean", "integer"]}}
"""What CloudEvents 1.0 asks of an event in JSON form: required attributes, their types, names of small letters and digits."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    found = AuditLog(str(tmp_path))
    for day, who, event in (
            (1, ALICE, AuditEvent("verdict", "prod", "", "pass", {"commit": f"git:{'1f' * 20}"})),
            (2, ALICE, AuditEvent("apply", "prod", "support", "done", {"graph": DIGEST})),
            (3, BOB, AuditEvent("break-glass", "prod", "prod-tenants", "done", {}, {"reason": "fire", "tenants": ["search", "support"]})),
            (4, ALICE, AuditEvent("promotion", "prod", "search/rank", "refused"))):
        found.append(event, who, datetime(2026, 10, day, 12, tzinfo=UTC))
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["audit", "prod", *arguments])


@pytest.mark.parametrize(("arguments", "places"), [
    ((), [1, 2, 3, 4]), (("--kind", "apply"), [2]), (("--kind", "apply", "--kind", "verdict"), [1, 2]), (("--tenant", "support"), [2, 3]),
    (("--tenant", "search"), [3, 4]), (("--tenant", "sup"), []), (("--who", "bob"), [3]), (("--since", "2026-10-03"), [3, 4]),
    (("--since", "2026-10-03T14:30:00+02:00"), [4]), (("--since", "2026-10-02T12:00:00Z", "--who", "alice"), [2, 4])])
def test_records_are_chosen(log: Path, arguments: tuple[str, ...], places: list[int]) -> None:
    found = _run("--audit", str(log), "--format", "json", *arguments)

    assert found.exit_code == 0, found.output
    assert [record["sequence"] for record in json.loads(found.stdout)["records"]] == places


def test_the_newest_of_each_kind_and_result_is_enough_by_stack_and_service(tmp_path: Path) -> None:
    found = AuditLog(str(tmp_path))

    def stack(result: str, **services: str) -> dict[str, Any]:
        return {"result": result, "services": {f"a/{name}": release for name, release in services.items()}}

    for number, (kind, result, detail) in enumerate((
            ("apply", "done", {"stacks": {"one": stack("applied", x="1", y="1")}}),
            ("apply", "done", {"stacks": {"one": stack("applied", x="2"), "two": stack("applied")}}),
            ("apply", "failed", {"stacks": {"two": stack("failed")}}),
            ("apply", "started", {"stacks": {"one": DIGEST}}),
            ("apply", "done", {"stacks": {"two": stack("unchanged")}}),
            ("drift", "repaired", {"whole": True}), ("drift", "repaired", {"whole": False}), ("drift", "repaired", {"whole": False}))):
        found.append(AuditEvent(kind, "prod", "", result, {}, detail), ALICE, datetime(2026, 10, 1, number, tzinfo=UTC))  # type: ignore[arg-type]
    printed = json.loads(_run("--audit", str(tmp_path), "--newest", "--format", "json").stdout)

    assert [record["sequence"] for record in printed["records"]] == [1, 2, 3, 4, 5, 6, 8]


def test_a_line_says_when_what_and_who(log: Path) -> None:
    lines = _run("--audit", f"file://{log}").stdout.splitlines()

    assert lines[1] == ("2026-10-02T12:00:00.000Z #2 apply support done by alice (github-actions) graph=sha256:abababababab "
                        "https://ci.example.com/runs/7")
    assert lines[2] == "2026-10-03T12:00:00.000Z #3 break-glass prod-tenants done by bob (local, unproven)"


def test_a_whole_chain_is_said_with_its_anchor_and_a_broken_one_refused(log: Path) -> None:
    whole = _run("--audit", str(log), "--verify")
    anchor = whole.stderr.split("anchor: ")[1].strip()
    assert whole.exit_code == 0
    assert _run("--audit", str(log), "--anchor", anchor).exit_code == 0

    (log / FOLDER / "prod" / name_of(4)).unlink()

    cut = _run("--audit", str(log), "--anchor", anchor)
    assert cut.exit_code == 1
    assert "the log was cut off" in cut.stderr


def test_a_record_that_cannot_be_read_hides_no_other(log: Path) -> None:
    (log / FOLDER / "prod" / name_of(2)).write_bytes(b"{")

    found = _run("--audit", str(log))

    assert (found.exit_code, len(found.stdout.splitlines())) == (0, 3)
    assert "1 records cannot be read" in found.stderr


def test_a_terminal_sees_no_control_characters(log: Path) -> None:
    AuditLog(str(log)).append(AuditEvent("adopt", "prod", "\x1b[2Jhidden", "done"), Who("eve\n2026", "local", "none"), datetime.now(UTC))

    out = _run("--audit", str(log), "--kind", "adopt").stdout

    assert "\x1b" not in out
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(("arguments", "said"), [
    (("--kind", "party"), "allowed: plan, verdict"), (("--since", "yesterday"), "no time"), (("--anchor", "4"), "no anchor"),
    (("--audit", "gs://bucket"), "keep them in S3 or a folder"), (("--audit", "https://api.pulumi.com"), "Pulumi Cloud takes no files"),
    (("--audit", "s3://"), "allowed: a folder")])
def test_what_cannot_be_asked_is_said(log: Path, arguments: tuple[str, ...], said: str) -> None:
    found = _run("--audit", str(log), *arguments)

    assert found.exit_code == 2
    assert said in found.stderr


def test_the_state_of_an_environment_holds_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPUPLANE_AUDIT", raising=False)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    spec = load_environment(ROOT / "environments", "dev")

    record = append(spec, AuditEvent("plan", "dev", "", "pass"))

    assert record.sequence == 1
    assert _stored(tmp_path) == [name_of(1)]
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path / "other"))
    assert audit_log(spec).place == str(tmp_path / "other")


def _stored(folder: Path) -> list[str]:
    top = folder / FOLDER / "dev"
    return sorted(str(file.relative_to(top)) for file in top.rglob("*.jsonl"))


def test_each_event_is_a_cloud_event(log: Path) -> None:
    lines = _run("--audit", str(log), "--export", "cloudevents").stdout.splitlines()

    assert len(lines) == 4
    for line in lines:
        value = json.loads(line)
        jsonschema.Draft202012Validator(CLOUD_EVENT).validate(value)
        event = from_json(line)
        assert event["type"] == f"gpuplane.audit.{value['data']['kind']}.v1"
        assert (event["source"], event["id"]) == ("/gpuplane/environments/prod", str(value["data"]["sequence"]))
        assert event.data["hash"].startswith("sha256:")


@settings(max_examples=50, deadline=None)
@given(kind=st.sampled_from(KINDS), subject=st.text(max_size=30), detail=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3))
def test_any_record_is_a_cloud_event_and_a_row_of_the_schema(kind: Any, subject: str, detail: dict[str, str]) -> None:
    record = record_of(AuditEvent(kind, "prod", subject, "done", {"graph": DIGEST}, detail), BOB, datetime(2026, 10, 1, tzinfo=UTC), None)

    jsonschema.Draft202012Validator(CLOUD_EVENT).validate(cloud_event(record))
    schema = audit_schema()
    jsonschema.Draft202012Validator({**schema["$defs"]["Record"], "$defs": schema["$defs"]}).validate(record.value())


def test_the_report_is_of_its_schema(log: Path) -> None:
    jsonschema.Draft202012Validator(audit_schema()).validate(json.loads(_run("--audit", str(log), "--format", "json").stdout))


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "alice", "GITHUB_TRIGGERING_ACTOR": "bob", "GITHUB_REPOSITORY": "acme/platform",
          "GITHUB_RUN_ID": "77", "GITHUB_SERVER_URL": "https://git.example.com", "GITHUB_SHA": "1f" * 20}
GITLAB = {"GITLAB_CI": "true", "GITLAB_USER_LOGIN": "carol", "CI_PROJECT_PATH": "acme/platform", "CI_JOB_URL": "https://git.example.com/j/9"}


@pytest.mark.parametrize(("variables", "name", "provider", "proof", "run"), [
    (GITHUB, "bob", "github-actions", "ci-environment", "https://git.example.com/acme/platform/actions/runs/77"),
    ({**GITHUB, "GITHUB_TRIGGERING_ACTOR": ""}, "alice", "github-actions", "ci-environment",
     "https://git.example.com/acme/platform/actions/runs/77"),
    (GITLAB, "carol", "gitlab-ci", "ci-environment", "https://git.example.com/j/9"),
    ({"GITHUB_ACTOR": "alice", "USER": "mallory"}, "dave", "local", "none", ""), ({"GITHUB_ACTIONS": "true"}, "unknown", "github-actions",
                                                                                "ci-environment", "")])
def test_who_it_was_is_read_from_the_job(variables: dict[str, str], name: str, provider: str, proof: str, run: str) -> None:
    found = who_from_environment(variables, "dave")

    assert (found.name, found.provider, found.proof, found.run) == (name, provider, proof, run)
    assert Who.read(found.value()) == found


def test_claims_are_proven_and_only_what_says_who_is_kept() -> None:
    found = who_from_claims({"iss": "https://token.example.com", "sub": "repo:acme/platform:ref:refs/heads/main", "actor": "alice", "jti": "x",
                             "run_id": 7, "exp": 1})

    assert (found.name, found.provider, found.proof) == ("alice", "https://token.example.com", "oidc")
    assert found.claims == {"sub": "repo:acme/platform:ref:refs/heads/main", "run_id": "7"}


@pytest.mark.parametrize("place", ["gs://b", "azblob://c", "https://api.pulumi.com"])
def test_a_place_that_keeps_no_records_is_refused_before_anything_is_done(place: str) -> None:
    with pytest.raises(CannotStart, match="keeps no records"):
        audit_log(place)
