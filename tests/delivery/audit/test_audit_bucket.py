"""Records in a bucket: the real AWS CLI against an S3 that honours If-None-Match, as the service does."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.chain import read_chain
from gpuplane.delivery.exit_status import CannotStart

ALICE, AT = Who("alice", "local", "none"), datetime(2026, 10, 1, tzinfo=UTC)
needs_aws = pytest.mark.skipif(shutil.which("aws") is None, reason="no aws on PATH")


class _S3(BaseHTTPRequestHandler):
    """PutObject with a condition, GetObject and ListObjectsV2 of one bucket; keys live in the server's dictionary."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body, key = self._body(), self._key()
        with self.server.lock:  # type: ignore[attr-defined]
            taken = key in self.server.objects and self.headers.get("If-None-Match") == "*"  # type: ignore[attr-defined]
            if not taken:
                self.server.objects[key] = body  # type: ignore[attr-defined]
        self._answer(412, b"<Error><Code>PreconditionFailed</Code><Message>taken</Message></Error>") if taken else self._answer(200, b"")

    def do_HEAD(self) -> None:
        found = self.server.objects.get(self._key())  # type: ignore[attr-defined]
        self._answer(404 if found is None else 200, found or b"")

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._list(query)
            return
        found = self.server.objects.get(self._key())  # type: ignore[attr-defined]
        self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>") if found is None else self._answer(200, found)

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        keys = sorted(key for key in self.server.objects if key.startswith(prefix))  # type: ignore[attr-defined]
        folders = sorted({prefix + key[len(prefix):].split(delimiter)[0] + delimiter for key in keys}) if delimiter else []
        rows = [f"<Contents><Key>{escape(key)}</Key><Size>1</Size><LastModified>2026-10-01T00:00:00.000Z</LastModified></Contents>"
                for key in keys if not delimiter]
        rows += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in folders]
        self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(rows)}</ListBucketResult>".encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/state/")

    def _body(self) -> bytes:
        """Newer command lines send a body in chunks with a checksum behind it."""
        if "chunked" not in self.headers.get("Content-Encoding", "") and "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        raw = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else b""
        body = b""
        while raw:
            size, _, raw = raw.partition(b"\r\n")
            length = int(size.split(b";")[0], 16)
            if not length:
                break
            body, raw = body + raw[:length], raw[length + 2:]
        return body

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"e"')
        self.send_header("Last-Modified", "Thu, 01 Oct 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, bytes]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _S3)
    server.objects, server.lock = {}, threading.Lock()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
                        "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1", "AWS_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    place = f"s3://state/platform?region=eu-west-1&disableSSL=true&s3ForcePathStyle=true&endpoint=127.0.0.1:{server.server_port}"
    yield place, server.objects  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def _event(subject: str) -> AuditEvent:
    return AuditEvent("apply", "prod", subject, "done")


@needs_aws
def test_a_bucket_holds_a_chain(bucket: tuple[str, dict[str, bytes]]) -> None:
    log = AuditLog(bucket[0])

    assert [log.append(_event(name), ALICE, AT).sequence for name in ("one", "two")] == [1, 2]
    assert sorted(bucket[1]) == [f"platform/gpuplane-audit/prod/000000000/00000000000{number}.jsonl" for number in (1, 2)]
    chain = read_chain("prod", log.lines("prod"))
    assert (chain.problems, [record.subject for record in chain.records]) == ((), ["one", "two"])


@needs_aws
def test_writers_side_by_side_make_one_chain_in_a_bucket(bucket: tuple[str, dict[str, bytes]]) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: AuditLog(bucket[0]).append(_event(name), ALICE, AT), "abc"))

    chain = read_chain("prod", AuditLog(bucket[0]).lines("prod"))
    assert chain.problems == ()
    assert sorted(record.subject for record in chain.records) == ["a", "b", "c"]


@needs_aws
def test_what_a_bucket_refuses_is_said(bucket: tuple[str, dict[str, bytes]]) -> None:
    with pytest.raises(CannotStart, match=r"s3://state/platform/gpuplane-audit/prod/ cannot be listed: "):
        AuditLog(bucket[0].rpartition(":")[0] + ":1").append(_event("one"), ALICE, AT)


def test_without_the_command_line_of_aws_a_folder_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotStart, match="need the AWS CLI"):
        AuditLog("s3://state").append(_event("one"), ALICE, AT)
