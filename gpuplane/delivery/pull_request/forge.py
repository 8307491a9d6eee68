"""Posting a comment and updating it in place, through the REST interfaces of GitHub and GitLab.

The token goes to the address that the job was given and nowhere else: redirects are not followed, and nothing but HTTPS is spoken but to
this machine.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from gpuplane import __version__
from gpuplane.delivery.exit_status import CannotStart, EngineFailed

TIMEOUT_SECONDS = 30
PAGE = 100
MOST_PAGES = 50
_MOST_BYTES = 32 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Forge(ABC):
    """A pull or merge request that comments can be put to."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        parts = urllib.parse.urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise CannotStart(f"{address}: a token is sent over https:// alone.")
        self._address = address.rstrip("/")
        self._headers = {**headers, "User-Agent": f"gpuplane/{__version__}", "Content-Type": "application/json"}
        self._opener = urllib.request.build_opener(_NoRedirects)

    def put(self, text: str, marker: str, author: str = "") -> str:
        """Update our comment, or post it where there is none; returns a sentence.

        Args:
            text: the comment, which begins with its marker.
            marker: its first line.
            author: login of who wrote ours; empty: who the token belongs to.

        Raises:
            EngineFailed: the forge does not answer, or refuses.
        """
        login = author or self.login()
        for number, written_by, body in self.comments():
            if written_by == login and body.startswith(marker):
                if body.replace("\r\n", "\n").rstrip() == text.rstrip():
                    return f"comment {number} of {login} is up to date."
                self.update(number, text)
                return f"comment {number} of {login} is updated."
        self.create(text)
        return f"commented as {login}."

    @abstractmethod
    def login(self) -> str:
        """Who the token belongs to."""

    @abstractmethod
    def comments(self) -> Iterator[tuple[int, str, str]]:
        """Number, author's login and text of each comment, the oldest first."""

    @abstractmethod
    def create(self, text: str) -> None:
        """Post a comment."""

    @abstractmethod
    def update(self, number: int, text: str) -> None:
        """Change a comment."""

    def pages(self, path: str) -> Iterator[Any]:
        """All items of a list."""
        for page in range(1, MOST_PAGES + 1):
            found = self.ask("GET", f"{path}{'&' if '?' in path else '?'}per_page={PAGE}&page={page}")
            if not isinstance(found, list):
                raise EngineFailed(f"{self._address}{path}: answered no list.")
            yield from found
            if len(found) < PAGE:
                return

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON answer to a request.

        Raises:
            EngineFailed: no answer, no JSON, or a refusal; the message holds no token.
        """
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._address}{path}", data, dict(self._headers), method=method)  # noqa: S310 checked above
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.loads(answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            error.close()  # it is an answer too, with a connection of its own
            raise _Refused(error.code, f"{method} {self._address}{path}: HTTP {error.code} {error.reason}.") from None
        except (OSError, ValueError) as error:
            raise EngineFailed(f"{method} {self._address}{path}: {getattr(error, 'reason', error)}.") from None


class _Refused(EngineFailed):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token along to wherever it leads."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class GitHub(Forge):
    """A pull request; REST version 2022-11-28."""

    def __init__(self, address: str, token: str, repository: str, number: int) -> None:
        super().__init__(address, {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json",
                                   "X-GitHub-Api-Version": "2022-11-28"})
        self._path = f"/repos/{urllib.parse.quote(repository)}/issues"
        self._number = number

    def login(self) -> str:
        """The user's; a workflow's own token may not ask and is ``github-actions[bot]``."""
        try:
            return str(self.ask("GET", "/user")["login"])
        except _Refused as error:
            if error.code != 403:
                raise
            return "github-actions[bot]"

    def comments(self) -> Iterator[tuple[int, str, str]]:
        for each in self.pages(f"{self._path}/{self._number}/comments"):
            yield int(each["id"]), str((each.get("user") or {}).get("login", "")), str(each.get("body") or "")

    def create(self, text: str) -> None:
        self.ask("POST", f"{self._path}/{self._number}/comments", {"body": text})

    def update(self, number: int, text: str) -> None:
        self.ask("PATCH", f"{self._path}/comments/{number}", {"body": text})


class GitLab(Forge):
    """A merge request; REST v4."""

    def __init__(self, address: str, token: str, project: str, number: int) -> None:
        super().__init__(address, {"PRIVATE-TOKEN": token})
        self._path = f"/projects/{urllib.parse.quote(project, safe='')}/merge_requests/{number}/notes"

    def login(self) -> str:
        return str(self.ask("GET", "/user")["username"])

    def comments(self) -> Iterator[tuple[int, str, str]]:
        for each in self.pages(f"{self._path}?sort=asc&order_by=created_at"):
            if not each.get("system"):
                yield int(each["id"]), str((each.get("author") or {}).get("username", "")), str(each.get("body") or "")

    def create(self, text: str) -> None:
        self.ask("POST", self._path, {"body": text})

    def update(self, number: int, text: str) -> None:
        self.ask("PUT", f"{self._path}/{number}", {"body": text})


def forge_of(name: Literal["github", "gitlab"], variables: Mapping[str, str], number: int) -> Forge:
    """The forge that a job's variables describe.

    Raises:
        CannotStart: a variable is missing, all of them named.
    """
    needed = {"github": ("GITHUB_TOKEN", "GITHUB_REPOSITORY"), "gitlab": ("GITLAB_TOKEN", "CI_PROJECT_ID")}[name]
    missing = [each for each in needed if not variables.get(each)]
    if missing:
        raise CannotStart(f"--post {name} needs {' and '.join(missing)} in the environment; give it to the one job that comments.")
    token, where = (variables[each] for each in needed)
    if name == "github":
        return GitHub(variables.get("GITHUB_API_URL") or "https://api.github.com", token, where, number)
    return GitLab(variables.get("CI_API_V4_URL") or "https://gitlab.com/api/v4", token, where, number)
