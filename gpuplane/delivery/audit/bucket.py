"""Records in an S3 bucket, through the AWS CLI: its credentials, profiles and proxies are those that Pulumi and CI use already.

A record is put with ``If-None-Match: *``, which S3 answers with 412 where the key is taken. ``PutObject`` with that condition,
``GetObject`` and ``ListBucket`` are all the rights it takes; a bucket with versions or Object Lock keeps what a wrong hand writes over.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qs

from gpuplane.delivery.audit.store import FOLDER, MOST_BYTES_READ, FolderStore, name_of, sequence_of
from gpuplane.delivery.exit_status import CannotStart

_SECONDS: Final = 300
"""What one call of the AWS CLI may take."""
_TAKEN = re.compile(r"PreconditionFailed|ConditionalRequestConflict|\b(412|409)\b")
_MISSING = re.compile(r"NoSuchKey|\b404\b")


class BucketStore:
    """Records of one environment below a prefix of a bucket."""

    def __init__(self, url: SplitResult, environment: str) -> None:
        """``url``: as Pulumi's backend writes it, ``s3://BUCKET/PREFIX?region=…&profile=…&endpoint=…``."""
        self._bucket = url.netloc
        self._prefix = "/".join(part for part in (url.path.strip("/"), FOLDER, environment) if part) + "/"
        self._flags = _flags(parse_qs(url.query))

    def last(self) -> int:
        parts = self._list("CommonPrefixes[].Prefix", self._prefix, "--delimiter", "/")
        for part in sorted(parts, reverse=True):
            found = [sequence_of(key) for key in self._list("Contents[].Key", part)]
            if any(found):
                return max(found)
        return 0

    def read(self, sequence: int) -> bytes:
        with tempfile.TemporaryDirectory(prefix="gpuplane-audit-") as folder:
            file = Path(folder) / "record"
            done = self._aws("s3api", "get-object", "--bucket", self._bucket, "--key", self._prefix + name_of(sequence),
                             "--range", f"bytes=0-{MOST_BYTES_READ - 1}", str(file))
            if done.returncode and _MISSING.search(done.stderr):
                return b""
            self._require(done, "read")
            return file.read_bytes()

    def create(self, sequence: int, line: bytes) -> bool:
        with tempfile.NamedTemporaryFile(prefix="gpuplane-audit-") as file:
            file.write(line)
            file.flush()
            done = self._aws("s3api", "put-object", "--bucket", self._bucket, "--key", self._prefix + name_of(sequence),
                             "--body", file.name, "--if-none-match", "*", "--content-type", "application/x-ndjson")
        if done.returncode and _TAKEN.search(done.stderr):
            return False
        self._require(done, "written to")
        return True

    def all(self) -> Iterator[tuple[int, bytes]]:
        with tempfile.TemporaryDirectory(prefix="gpuplane-audit-") as folder:
            self._require(self._aws("s3", "cp", f"s3://{self._bucket}/{self._prefix}", folder, "--recursive", "--only-show-errors"), "read")
            yield from FolderStore(Path(folder)).all()

    def _list(self, query: str, prefix: str, *more: str) -> list[str]:
        done = self._aws("s3api", "list-objects-v2", "--bucket", self._bucket, "--prefix", prefix,
                         "--query", query, "--output", "json", *more)
        self._require(done, "listed")
        return json.loads(done.stdout or "null") or []

    def _aws(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        if shutil.which("aws") is None:
            raise CannotStart("records in an S3 bucket need the AWS CLI (aws, 2.17 or later) on PATH. Install it, or name a folder "
                              "with --audit or GPUPLANE_AUDIT.")
        try:
            return subprocess.run(["aws", *arguments, *self._flags], capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise CannotStart(f"aws {arguments[0]} {arguments[1]} did not answer within {_SECONDS} seconds.") from None

    def _require(self, done: subprocess.CompletedProcess[str], what: str) -> None:
        if done.returncode:
            said = " ".join(done.stderr.split())[:500]
            raise CannotStart(f"s3://{self._bucket}/{self._prefix} cannot be {what}: {said}")


def _flags(query: dict[str, list[str]]) -> list[str]:
    """Pulumi's words for the AWS CLI's."""
    flags = [part for name in ("region", "profile") for value in query.get(name, ())[:1] for part in (f"--{name}", value)]
    for endpoint in query.get("endpoint", ())[:1]:
        plain = query.get("disableSSL", ["false"])[0] == "true"
        flags += ["--endpoint-url", endpoint if "://" in endpoint else f"http{'' if plain else 's'}://{endpoint}"]
    return flags
