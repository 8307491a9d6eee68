"""A proxy before the API server that does it harm: delays, errors, answers that never come back, a network that is gone.

It speaks plain HTTP to the client and holds the credentials itself. One rule at a time says what becomes of each request.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "authorization"}


@dataclass(frozen=True)
class Request:
    """What a client asks.

    Attributes:
        method, path: with the query.
        write: which write this is, from 1; 0 where it changes nothing.
    """

    method: str
    path: str
    write: int

    @property
    def is_watch(self) -> bool:
        return "watch=true" in self.path or "watch=1" in self.path


@dataclass(frozen=True)
class Answer:
    """Answer in the server's place."""

    status: int
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class Drop:
    """Close the connection: before the server hears of the request, or after it has done it."""

    done: bool = False


@dataclass(frozen=True)
class Slow:
    """Wait, then go on."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """Let the answer flow for so long, then close."""

    seconds: float


@dataclass(frozen=True)
class Pretend:
    """Answer a write as if it had been done: the server is asked for a dry run."""


@dataclass
class Hold:
    """Keep the request, before or after the server does it, until it is released; then it is dropped."""

    done: bool = False
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


Fault = Answer | Drop | Slow | Cut | Hold | Pretend
Rule = Callable[[Request], Fault | None]


class Proxy(ThreadingHTTPServer):
    """The proxy; ``rule`` may be changed at any time.

    Attributes:
        harmed: requests that a fault has happened to; a watch only once it has been cut.
    """

    daemon_threads = True

    def __init__(self, server: str, token: str, authority: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.token, self.authority = urlsplit(server).netloc, token, authority
        self.rule: Rule = lambda _: None
        self.harmed: list[Request] = []
        self._writes, self._lock = 0, threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def heal(self) -> None:
        """Forward everything from now on."""
        self.rule = lambda _: None

    def count(self, method: str, path: str) -> Request:
        """Number a request."""
        with self._lock:
            changes = method in _WRITES and "dryRun=All" not in path and "/authorization.k8s.io/" not in path
            self._writes += changes
            return Request(method, path, self._writes if changes else 0)

    def close(self) -> None:
        """Stop it."""
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = self.server.count(self.command, self.path)
        fault = self.server.rule(request)
        if fault is not None and not isinstance(fault, Cut):
            self.server.harmed.append(request)
        if isinstance(fault, Slow):
            time.sleep(fault.seconds)
        if isinstance(fault, Pretend):
            self.path += ("&" if "?" in self.path else "?") + "dryRun=All"
        if isinstance(fault, Answer):
            self._answer(fault)
        elif isinstance(fault, (Drop, Hold)):
            self._lose(fault, body)
        else:
            self._forward(request, body, fault.seconds if isinstance(fault, Cut) else None)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 names of the standard library

    def _lose(self, fault: Drop | Hold, body: bytes) -> None:
        if fault.done:
            with closing(self._ask(body)) as connection, closing(connection.getresponse()) as response:
                response.read()
        if isinstance(fault, Hold):
            fault.reached.set()
            fault.released.wait(120)
        self.close_connection = True

    def _answer(self, answer: Answer) -> None:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": answer.message, "code": answer.status,
                  "metadata": {}}
        body = (answer.body or json.dumps(status)).encode()
        self.send_response(answer.status)
        for name, value in {"Content-Type": "text/html" if answer.body else "application/json", **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _ask(self, body: bytes) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.server.authority))
        connection = http.client.HTTPSConnection(self.server.upstream, context=context, timeout=60)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        try:
            connection.request(self.command, self.path, body or None, {**kept, "Authorization": f"Bearer {self.server.token}"})
        except OSError:
            connection.close()
            raise
        return connection

    def _forward(self, request: Request, body: bytes, seconds: float | None) -> None:
        end = None if seconds is None else time.monotonic() + seconds
        try:
            with closing(self._ask(body)) as connection:
                if seconds is not None and connection.sock is not None:
                    connection.sock.settimeout(seconds)
                with closing(connection.getresponse()) as response:
                    self._pass_on(response, end)
        except OSError:
            self.close_connection = True
        if end is not None and self.close_connection and time.monotonic() >= end:
            self.server.harmed.append(request)

    def _pass_on(self, response: http.client.HTTPResponse, end: float | None) -> None:
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = not self._copy(response, end)

    def _copy(self, response: http.client.HTTPResponse, end: float | None) -> bool:
        try:
            while part := response.read1(65536):
                if end is not None and time.monotonic() > end:
                    return False
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def log_message(self, *_: Any) -> None:
        """Quiet."""
