"""``gpuplane canary``: the verdict on stdout, the state in git, comments kept."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.cli import cli
from gpuplane.delivery.canary_file import promoted, with_verdict
from gpuplane.delivery.exit_status import CannotStart
from tests.planning.canary_wish import trying

CHAT = Path("prod/services/acme/chat.yaml")


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    """The wish as files in a git repository, with a comment by the canary."""
    for path, content in trying().documents.items():
        file = tmp_path / "prod" / f"{path}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False))
    text = (tmp_path / CHAT).read_text()
    (tmp_path / CHAT).write_text(text.replace("    traffic_percent: 25\n", "    traffic_percent: 25   # since Monday\n"))
    for arguments in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "a"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    return tmp_path


def _samples(folder: Path, bad: int, total: int = 4000, held: int = 700) -> list[str]:
    file = folder / "samples.json"
    file.write_text(json.dumps({"held_seconds": held, "ready": 1, "measures": {"errors": {"bad": bad, "total": total}}}))
    return ["--samples", str(file)]


def _run(environments: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["canary", "prod", "acme/chat", "--environments", str(environments), "--as-of", "2026-08-01", *arguments])


def test_a_good_one_goes_a_step_on(environments: Path) -> None:
    found = _run(environments, *_samples(environments, 2), "--write")

    assert found.exit_code == 0, found.output
    assert "advance to 50 %: the canary of acme/chat at 25 %" in found.output
    assert "    traffic_percent: 50   # since Monday\n" in (environments / CHAT).read_text()


@pytest.mark.parametrize(("text", "said"), [
    ('{"held_seconds": 700, "ready": 1, "measures": []}', "measures: Input should be a valid dictionary"),
    ('{"held_seconds": 1e999, "ready": 1, "measures": {}}', "held_seconds: Input should be a finite number"),
    ('{"held_seconds": 700, "ready": 1e999, "measures": {}}', "ready: "),
    ('{"held_seconds": 700, "ready": 1, "measures": {"errors": {"bad": 5, "total": 4}}}', "bad is 5 of 4"),
    ('{"held_seconds": 700, "ready": 1, "measures": {"errors": {"bad": NaN, "total": 4}}}', "finite"),
    ('{"held_seconds": 700, "ready": 1, "measures": {"errors": [1, 2]}}', 'measures.errors is to be {"bad": N, "total": N}'),
    ('{"held_seconds": 700, "ready": 1, "measures": {"mood": {"bad": 1, "total": 2}}}', '"mood": the canary is judged by errors'),
    ('{"held_seconds": 700}', "measures: Field required, ready: Field required. Allowed: "),
    ("[" * 100_000, "is not JSON"), ("[]", "is not a JSON object")])
def test_samples_of_another_form_are_refused_with_what_is_allowed(environments: Path, text: str, said: str) -> None:
    file = environments / "samples.json"
    file.write_text(text)

    found = _run(environments, "--samples", str(file))

    assert found.exit_code == 2
    assert said in found.stderr


def test_a_bad_one_goes_back_and_stays_there(environments: Path) -> None:
    found = _run(environments, *_samples(environments, 400), "--write", "--format", "json")
    text = (environments / CHAT).read_text()

    assert found.exit_code == 1
    assert json.loads(found.stdout)["verdict"] == "roll back"
    assert yaml.safe_load(text)["spec"]["canary"]["traffic_percent"] == 0
    assert yaml.safe_load(text)["spec"]["canary"]["rolled_back"].startswith("2026-08-01: errors: 400 of 4000 requests")
    assert "# since Monday" in text
    again = _run(environments, *_samples(environments, 0))
    assert again.exit_code == 2
    assert "the canary was rolled back" in again.output


def test_without_write_nothing_is_written_and_too_few_requests_hold(environments: Path) -> None:
    before = (environments / CHAT).read_text()
    found = _run(environments, *_samples(environments, 0, 50))

    assert (found.exit_code, (environments / CHAT).read_text()) == (0, before)
    assert "hold: the canary of acme/chat" in found.output
    assert "0 of 50 requests; 100 are needed at least" in found.output


@pytest.mark.parametrize(("arguments", "words"), [
    (["--prometheus", "http://127.0.0.1:1", "--since", "2026-01-01T00:00:00+0000"], "is no Prometheus that answers"),
    ([], "one of them"), (["--samples", "nowhere.json"], "nowhere.json cannot be read: No such file or directory"), (["--prometheus", "ftp://a"], "not an address of HTTP")])
def test_wrong_input_is_said(environments: Path, arguments: list[str], words: str) -> None:
    found = _run(environments, *arguments)

    assert found.exit_code == 2
    assert words in found.output


def test_a_measure_that_nobody_asked_for_is_said(environments: Path) -> None:
    file = environments / "samples.json"
    file.write_text(json.dumps({"held_seconds": 1, "ready": 1, "measures": {"error": {"bad": 0, "total": 1}}}))

    assert '"error": the canary is judged by errors' in _run(environments, "--samples", str(file)).output


class _Prometheus(BaseHTTPRequestHandler):
    answers: dict[str, float]

    def do_GET(self) -> None:
        query = parse_qs(urlparse(self.path).query)["query"][0]
        value = next((value for part, value in self.answers.items() if part in query), None)
        result: list[Any] = [] if value is None else [{"metric": {}, "value": [0, str(value)]}]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Not on stderr."""


@pytest.fixture
def prometheus() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Prometheus)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("failed", "status", "words"), [(1.0, 0, "advance to 50 %"), (None, 0, "advance to 50 %"), (300.0, 1, "roll back to 0 %")])
def test_prometheus_is_asked(environments: Path, prometheus: HTTPServer, failed: float | None, status: int, words: str) -> None:
    of_service = 'pod=~"chat-predictor-[a-z0-9]+-[a-z0-9]+",handler=~"/v1/.+",status="5xx"'
    _Prometheus.answers = {"count(up{": 1, of_service: 0,
                           **({"5xx": failed} if failed is not None else {}), 'handler=~"/v1/.+"}': 4000}
    found = _run(environments, "--prometheus", f"http://127.0.0.1:{prometheus.server_port}", "--since", "2026-01-01T00:00:00+0000")

    assert found.exit_code == status, found.output
    assert words in found.output


def test_a_step_that_was_just_committed_is_held(environments: Path, prometheus: HTTPServer) -> None:
    _Prometheus.answers = {"count(up{": 1, 'handler=~"/v1/.+"}': 4000}
    found = _run(environments, "--prometheus", f"http://127.0.0.1:{prometheus.server_port}")

    assert "hold: the canary" in found.output
    assert "of 600 s" in found.output


def test_a_share_that_is_not_written_is_written() -> None:
    text = "spec:\n  canary:\n    # what is tried\n    release: {}\n    steps: [5]\n"

    assert with_verdict(text, 5, None) == "spec:\n  canary:\n    # what is tried\n    traffic_percent: 5\n    release: {}\n    steps: [5]\n"
    assert 'traffic_percent: 0\n    rolled_back: "bad"\n' in with_verdict(text, 0, "bad")
    with pytest.raises(CannotStart, match="is not written as a block"):
        with_verdict("spec: {canary: {traffic_percent: 5}}", 5, None)


CHAT_FILE = """\
# Chat of acme.
spec:
  release:
    model:
      uri: hf://Qwen/Qwen3-8B   # the small one
      revision: aaaaaaaaaaaa  # reviewed in March
    vllm:
      image: vllm@sha256:1
      version: 0.31.0
      arguments:
        max_num_seqs: 64  # what fits
        enforce_eager: true
  # How it grows.
  scaling: {max_replicas: 2}
  canary:
    traffic_percent: 50   # since Monday
    release:
        model:
          uri: hf://Qwen/Qwen3-8B
          revision: bbbbbbbbbbbb   # reviewed in May
        vllm:
          image: vllm@sha256:2
          version: 0.33.0
          arguments:
            max_num_seqs: 64
            max_model_len: 8192  # longer now
    max_error_percent: 1
  # Who may call it.
  traffic: {}
"""


def test_what_is_promoted_takes_the_release_place_and_comments_stay() -> None:
    text = promoted(CHAT_FILE)
    before, after = yaml.safe_load(CHAT_FILE)["spec"], yaml.safe_load(text)["spec"]

    assert after == {"release": before["canary"]["release"], "scaling": {"max_replicas": 2}, "traffic": {}}
    for kept in ("# Chat of acme.", "# the small one", "# what fits", "  # How it grows.", "  # Who may call it.",
                 "      revision: bbbbbbbbbbbb  # reviewed in March\n", "        max_model_len: 8192  # longer now\n"):
        assert kept in text, kept
    assert "enforce_eager" not in text
    assert "canary" not in text


@pytest.mark.parametrize("block", ["release", "canary"])
def test_a_block_in_braces_is_promoted_by_hand(block: str) -> None:
    spec = yaml.safe_load(CHAT_FILE)["spec"]
    text = "spec:\n" + "".join(f"  {name}: {json.dumps(value)}\n" if name == block else
                               "".join(f"  {line}\n" for line in yaml.safe_dump({name: value}).splitlines()) for name, value in spec.items())

    assert yaml.safe_load(text)["spec"] == spec
    with pytest.raises(CannotStart):
        promoted(text)


def test_the_last_step_is_promoted_in_the_file(environments: Path) -> None:
    file = environments / CHAT
    file.write_text(file.read_text().replace("    traffic_percent: 25   # since Monday", "    traffic_percent: 50   # since Monday"))
    wanted = yaml.safe_load(file.read_text())["spec"]["canary"]["release"]
    found = _run(environments, *_samples(environments, 2), "--write")
    spec = yaml.safe_load(file.read_text())["spec"]

    assert found.exit_code == 0, found.output
    assert "promote: the canary of acme/chat at 50 %" in found.output
    assert spec["release"] == wanted
    assert "canary" not in spec
    assert "acme/chat has no canary" in _run(environments, *_samples(environments, 2)).output


@given(st.recursive(st.integers(0, 9), lambda below: st.dictionaries(st.sampled_from("abcd"), below, min_size=1, max_size=3), max_leaves=8),
       st.recursive(st.integers(0, 9), lambda below: st.dictionaries(st.sampled_from("abcd"), below, min_size=1, max_size=3), max_leaves=8))
def test_any_release_is_promoted_as_it_is(old: Any, new: Any) -> None:
    text = yaml.safe_dump({"spec": {"release": {"x": old}, "canary": {"release": {"x": new}, "traffic_percent": 1}, "after": 1}},
                          default_flow_style=False, sort_keys=False)

    assert yaml.safe_load(promoted(text)) == {"spec": {"release": {"x": new}, "after": 1}}
