"""A KMS on this machine's loopback, with one key, for the real Pulumi CLI: ``awskms://`` takes an endpoint.

Every request is judged by the service model of KMS (botocore). What it gives for a plain text is a random handle: nobody but this server
gets the text back.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session

from tests.components.aws_api import problems

REGION = "eu-central-1"
ALIAS = "alias/gpuplane-state-local"
ARN = f"arn:aws:kms:{REGION}:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
USER = "AKIAIOSFODNN7EXAMPLE"
_MODEL = botocore.session.get_session().get_service_model("kms")


class _Refused(Exception):
    """What the API says no with, and why."""


@dataclass
class SmallKms:
    """The key, and all that was asked of it.

    Attributes:
        port: it listens here.
        asked: operations, in order.
        wrong: what was wrong with requests.
        texts: plain texts by what was given for them.
        denies: whether the caller has no right to it (any more).
    """

    port: int = 0
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    texts: dict[bytes, bytes] = field(default_factory=dict)
    denies: bool = False

    @property
    def url(self) -> str:
        """The key as Pulumi takes it."""
        return f"awskms://{ALIAS}?region={REGION}&endpoint=http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """Credentials."""
        return {"AWS_ACCESS_KEY_ID": USER, "AWS_SECRET_ACCESS_KEY": "not-a-secret", "AWS_EC2_METADATA_DISABLED": "true"}

    def answer(self, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """One request, signed for KMS in its region and shaped as the service model says."""
        service, _, operation = headers.get("X-Amz-Target", "").partition(".")
        self.asked.append(operation)
        if service != _MODEL.metadata["targetPrefix"] or operation not in ("Encrypt", "Decrypt"):
            raise _Refused("UnknownOperationException", headers.get("X-Amz-Target"))
        shape = _MODEL.operation_model(operation).input_shape
        said: dict[str, Any] = json.loads(body)
        given = {key: base64.b64decode(value) if key in ("Plaintext", "CiphertextBlob") else value for key, value in said.items()}
        self.wrong += problems(shape, given)
        self.wrong += [] if f"{USER}/" in headers.get("Authorization", "") else ["no signature"]
        self.wrong += [] if f"/{REGION}/kms/aws4_request" in headers.get("Authorization", "") else ["signed for another service or region"]
        if self.denies:
            raise _Refused("AccessDeniedException", f"User is not authorized to perform: kms:{operation}")
        if operation == "Encrypt":
            if given["KeyId"] not in (ALIAS, ARN):
                raise _Refused("NotFoundException", f"{given['KeyId']} is not found.")
            handle = secrets.token_bytes(64)
            self.texts[handle] = given["Plaintext"]
            return {"CiphertextBlob": base64.b64encode(handle).decode(), "KeyId": ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
        if given["CiphertextBlob"] not in self.texts:
            raise _Refused("InvalidCiphertextException", "")
        text = base64.b64encode(self.texts[given["CiphertextBlob"]]).decode()
        return {"Plaintext": text, "KeyId": ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}


@contextmanager
def small_kms() -> Iterator[SmallKms]:
    """It runs while this lasts."""
    kms = SmallKms()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                status, said = 200, kms.answer({key.title(): value for key, value in self.headers.items()}, body)
            except _Refused as error:
                status, said = 400, {"__type": error.args[0], "message": error.args[1]}
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kms.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield kms
        finally:
            server.shutdown()
            thread.join()
