"""Canary secrets are planted in every input, and every output is searched for them."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.offline_engine import RecordingMonitor, run_program
from gpuplane.delivery.redaction import REDACTED, Redaction, redaction_of, redaction_of_files
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.resource_view import ResourceView
from tests.spec.wish import VALID, Wish
from tests.stacks.runtime_services import wish_of

# In two parts, so that no scanner takes this file for a leak.
TOKEN = "ghp" + "_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkphbmUgRG9lIn0." + "c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"
PEM = "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n-----END " + "PRIVATE KEY-----\n"
PASSWORD = "Zx-swordfish-41"
CANARIES = {"token": TOKEN, "jwt": JWT, "key": PEM}
FORMATS = ("text", "markdown", "json", "html", "sarif", "junit")


def _pieces(secret: str) -> list[str]:
    """What of a secret must stand nowhere: each of its lines, also in base64, its beginning and its end."""
    lines = [line for line in secret.splitlines() if "-----" not in line]
    return [piece for line in lines for piece in (line, line[:40], line[-20:], base64.b64encode(line.encode()).decode())]


def _assert_clean(text: str, secret: str, where: str) -> None:
    assert not [piece[:4] for piece in _pieces(secret) if piece in text], where


def _outputs(arguments: list[str], out: Path | None = None) -> Iterator[tuple[str, str]]:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code in (0, 1, 2), result.output
    yield "stdout", result.stdout
    yield "stderr", result.stderr
    for path in sorted(out.rglob("*")) if out is not None and out.exists() else []:
        if path.is_file():
            yield path.name, path.read_text(encoding="utf-8")


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path


LEAVES = [(file, path) for file, text in VALID.items() for path in _leaves(yaml.safe_load(text))]


def _planted(secret: str, places: list[tuple[str, tuple[Any, ...]]], folder: Path) -> Wish:
    documents = {file: yaml.safe_load(text) for file, text in VALID.items()}
    for file, path in places:
        inner = documents[file]
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = secret
    return Wish(folder, {file: yaml.safe_dump(document) for file, document in documents.items()})


def _accepted(secret: str, folder: Path) -> list[tuple[str, tuple[Any, ...]]]:
    """Places that take any text."""
    return [place for number, place in enumerate(LEAVES) if not _planted(secret, [place], folder / str(number)).errors()]


@pytest.mark.parametrize("canary", CANARIES)
def test_no_error_holds_what_stands_in_any_leaf_of_a_wish(tmp_path: Path, canary: str) -> None:
    said = [place for place in LEAVES if place[1] not in (("kind",), ("apiVersion",))]
    for number, places in enumerate((said, LEAVES)):
        folder = _planted(CANARIES[canary], places, tmp_path / str(number)).write()

        for where, text in _outputs(["preview", "test", "--environments", str(folder), "--as-of", "2026-11-21"]):
            _assert_clean(text, CANARIES[canary], where)


@pytest.mark.parametrize("canary", CANARIES)
def test_no_output_holds_what_stands_in_any_leaf_that_takes_it(tmp_path: Path, canary: str) -> None:
    secret, out = CANARIES[canary], tmp_path / "out"
    places = _accepted(secret, tmp_path)
    folder = _planted(secret, places, tmp_path / "all").write()

    assert len(places) >= 5
    for output_format in FORMATS:
        arguments = ["preview", "test", "--environments", str(folder), "--format", output_format, "--out", str(out), "--as-of", "2026-11-21"]
        for where, text in _outputs(arguments, out):
            _assert_clean(text, secret, f"{output_format} {where}")


@pytest.mark.parametrize("output_format", FORMATS)
def test_no_form_of_a_report_holds_a_token(tmp_path: Path, output_format: str) -> None:
    folder = Wish(tmp_path).change("tenants/acme.yaml", "  cohort: shared\n", f"  cohort: shared\n  cost_center: {TOKEN}\n").write()
    arguments = ["preview", "test", "--environments", str(folder), "--format", output_format, "--as-of", "2026-11-21"]

    for where, text in _outputs(arguments):
        _assert_clean(text, TOKEN, where)


@pytest.mark.parametrize("canary", ["token", "jwt"])
def test_no_output_holds_what_stands_among_a_servers_arguments(tmp_path: Path, canary: str) -> None:
    secret, out = CANARIES[canary], tmp_path / "out"
    folder = wish_of(tmp_path / "wish", "tiny").change("services/acme/chat.yaml", "label: abc", f"label: {secret}").write()

    for output_format in FORMATS:
        arguments = ["preview", "test", "--environments", str(folder), "--format", output_format, "--out", str(out), "--as-of", "2026-11-21"]
        for where, text in _outputs(arguments, out):
            _assert_clean(text, secret, f"{output_format} {where}")


MANIFESTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "a variable": lambda value: {"kind": "Pod", "spec": {"containers": [{"name": "a", "env": [{"name": "DB_PASSWORD", "value": value}]}]}},
    "an argument": lambda value: {"kind": "Pod", "spec": {"containers": [{"name": "a", "args": [f"--api-key={value}"]}]}},
    "an image": lambda value: {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": f"docker.io/x:{value}"}]}},
    "a Secret": lambda value: {"kind": "Secret", "stringData": {"any": value}},
    "a Secret in base64": lambda value: {"kind": "Secret", "data": {"any": base64.b64encode(value.encode()).decode()}},
    "a ConfigMap": lambda value: {"kind": "ConfigMap", "data": {"password": value}},
    "a file of a ConfigMap": lambda value: {"kind": "ConfigMap", "data": {"app.properties": f"a=1\npassword={value}\n"}},
    "a label of a namespace": lambda value: {"kind": "Namespace", "metadata": {"name": "a", "labels": {
        "gpuplane.dev/tenant": "a", "gpuplane.dev/data-classification": value}}},
}


@pytest.mark.parametrize("canary", [*CANARIES, "password"])
@pytest.mark.parametrize("place", MANIFESTS)
def test_no_output_of_check_holds_what_stands_in_a_manifest(tmp_path: Path, place: str, canary: str) -> None:
    secret = {**CANARIES, "password": PASSWORD}[canary]
    if canary in ("password", "key") and place in ("an image", "a label of a namespace"):
        return  # nothing says there that this is a secret, and neither is its form one
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "metadata": {"name": "a", "namespace": "b"}, **MANIFESTS[place](secret)}))

    for output_format in ("text", "json", "sarif", "junit"):
        for where, text in _outputs(["check", str(tmp_path), "--format", output_format]):
            _assert_clean(text, secret, f"{place} {output_format} {where}")


@pytest.mark.parametrize("text", ["config: {app:password: @}\n", "config:\n  app:token: {secure: @\n", "a: [@\n", "- @\n"])
def test_stack_config_and_files_that_cannot_be_read_show_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(text.replace("@", TOKEN))

    for where, printed in _outputs(["check", str(tmp_path)]):
        _assert_clean(printed, TOKEN, where)


def _run(program: Callable[[], None]) -> list[ResourceView]:
    monitor = RecordingMonitor()
    run_program(program, monitor, "test")
    return monitor.views


def test_what_pulumi_keeps_secret_is_not_in_the_planned_graph() -> None:
    def program() -> None:
        pulumi.ComponentResource("x:y:Z", "name", {"inner": {"deep": [pulumi.Output.secret(PASSWORD)]}, "plain": "shown"})

    found = json.dumps([dict(view.props) for view in _run(program)], default=str)

    assert PASSWORD not in found
    assert REDACTED in found


def test_a_redaction_tells_nothing_of_itself() -> None:
    redaction = redaction_of(views_of_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{x: {PASSWORD}}}\n"))

    assert PASSWORD not in repr(redaction)
    assert redaction.text(f"it is {PASSWORD}, or {base64.b64encode(PASSWORD.encode()).decode()}") == f"it is {REDACTED}, or {REDACTED}"
    assert Redaction().text("nothing here") == "nothing here"


def test_files_that_are_not_there_hide_nothing_and_break_nothing(tmp_path: Path) -> None:
    assert redaction_of_files([str(tmp_path / "none.yaml"), ""]).text("x") == "x"
