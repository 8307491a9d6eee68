"""Posting and updating in place, against a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from gpuplane.cli import cli
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.pull_request.forge import PAGE, GitHub
from tests.delivery.pull_request.previews import written
from tests.delivery.reports import refused

TOKEN = "ghs_" + "x" * 36
MARKER = "<!-- gpuplane:preview -->"


class Server(ThreadingHTTPServer):
    """A forge with one pull request; keeps its comments and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.notes: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.tokens: set[str] = set()
        self.user: tuple[int, str] = (403, "")
        self.answers: dict[str, int] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def handle_any(self) -> None:
        parts, server = urlsplit(self.path), self.server
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        server.asked.append((self.command, parts.path))
        server.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
        if status := server.answers.get(self.command):
            self.send_response(status)
            self.send_header("Location", f"{server.address}/elsewhere")
            self.end_headers()
        elif parts.path == "/user":
            self.answer(server.user[0], {"login": server.user[1], "username": server.user[1]})
        elif self.command == "GET":
            query = parse_qs(parts.query)
            start = (int(query["page"][0]) - 1) * int(query["per_page"][0])
            self.answer(200, server.notes[start:start + int(query["per_page"][0])])
        elif self.command == "POST":
            name = server.user[1] or "github-actions[bot]"
            server.notes.append(note(len(server.notes) + 1, name, body["body"]))
            self.answer(201, server.notes[-1])
        else:
            found = next(each for each in server.notes if each["id"] == int(parts.path.rpartition("/")[2]))
            found["body"] = body["body"]
            self.answer(200, found)

    do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815 the names that the server looks for

    def answer(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name of the parameter
        pass


def note(number: int, login: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": login}, "author": {"username": login}, "body": body, "system": False}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(written(refused(), tmp_path / "out"))


def github(server: Server, folder: str, *more: str, **variables: str) -> Result:
    given = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "acme/platform", "GITHUB_API_URL": server.address, **variables}
    return CliRunner().invoke(cli, ["comment", folder, "--post", "github", "--number", "7", *more], env=given)


def gitlab(server: Server, folder: str) -> Result:
    given = {"GITLAB_TOKEN": TOKEN, "CI_PROJECT_ID": "42", "CI_API_V4_URL": f"{server.address}"}
    return CliRunner().invoke(cli, ["comment", folder, "--post", "gitlab", "--number", "7"], env=given)


def test_the_first_run_posts_and_the_next_finds_nothing_to_do(server: Server, folder: str) -> None:
    assert "commented as github-actions[bot]" in github(server, folder).output
    assert "is up to date" in github(server, folder).output
    assert len(server.notes) == 1
    assert server.notes[0]["body"].startswith(MARKER)
    assert server.tokens == {f"Bearer {TOKEN}"}
    assert ("POST", "/repos/acme/platform/issues/7/comments") in server.asked


def test_our_own_comment_is_updated_in_place_on_whatever_page_it_is(server: Server, folder: str) -> None:
    server.notes = [note(number, "alice", "hello") for number in range(1, PAGE + 20)]
    server.notes.append(note(999, "github-actions[bot]", f"{MARKER}\n\nold"))
    found = github(server, folder)

    assert found.exit_code == 0, found.output
    assert server.asked[-1] == ("PATCH", "/repos/acme/platform/issues/comments/999")
    assert "REFUSED" in server.notes[-1]["body"]


def test_a_marker_in_somebody_elses_comment_or_below_its_first_line_is_not_ours(server: Server, folder: str) -> None:
    server.notes = [note(1, "mallory", f"{MARKER}\n\nfake"), note(2, "github-actions[bot]", f"quoted: {MARKER}")]
    github(server, folder)

    assert [each["body"] for each in server.notes[:2]] == [f"{MARKER}\n\nfake", f"quoted: {MARKER}"]
    assert len(server.notes) == 3


def test_comments_with_another_marker_stay(server: Server, folder: str) -> None:
    github(server, folder)
    github(server, folder, "--marker", "judge")

    assert [each["body"].partition("\n")[0] for each in server.notes] == [MARKER, "<!-- gpuplane:judge -->"]


def test_gitlab_notes_are_posted_and_updated_in_place(server: Server, folder: str) -> None:
    server.user = (200, "project_42_bot")
    server.notes = [note(1, "project_42_bot", f"{MARKER}\n\nold"), {**note(2, "x", MARKER), "system": True}]
    found = gitlab(server, folder)

    assert found.exit_code == 0, found.output
    assert server.asked[-1] == ("PUT", "/projects/42/merge_requests/7/notes/1")
    assert server.tokens == {TOKEN}


@pytest.mark.parametrize(("method", "status"), [("GET", 500), ("POST", 422), ("POST", 401)])
def test_a_refusal_ends_with_status_3_and_shows_no_token(server: Server, folder: str, method: str, status: int) -> None:
    server.answers = {method: status}
    found = github(server, folder, "--author", "bot")

    assert found.exit_code == 3
    assert f"HTTP {status}" in found.output
    assert TOKEN not in found.output


def test_the_token_does_not_follow_a_redirect(server: Server, folder: str) -> None:
    server.answers = {"GET": 302}

    assert github(server, folder).exit_code == 3
    assert ("GET", "/elsewhere") not in server.asked


@pytest.mark.parametrize("address", ["http://api.example.com", "file:///etc/passwd", "ftp://127.0.0.1", "http://127.0.0.1.example.com"])
def test_a_token_is_sent_over_https_alone(address: str) -> None:
    with pytest.raises(CannotStart, match="over https"):
        GitHub(address, TOKEN, "acme/platform", 7)


def test_variables_that_are_missing_are_all_named(folder: str) -> None:
    none = {"GITHUB_TOKEN": "", "GITHUB_REPOSITORY": ""}
    found = CliRunner().invoke(cli, ["comment", folder, "--post", "github", "--number", "7"], env=none)

    assert found.exit_code == 2
    assert "GITHUB_TOKEN and GITHUB_REPOSITORY" in found.output


def test_a_request_has_a_number(server: Server, folder: str) -> None:
    found = CliRunner().invoke(cli, ["comment", folder, "--post", "github"], env={"GITHUB_TOKEN": TOKEN})

    assert found.exit_code == 2
    assert "--number" in found.output
