"""The AWS CLI: one API operation with its input as JSON, which is what AWS's own service models describe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from gpuplane.delivery.exit_status import CannotStart, EngineFailed

_TIMEOUT_SECONDS = 120


class AwsRefused(EngineFailed):
    """AWS said no.

    Attributes:
        code: its error code, e.g. ``NoSuchBucket``; empty where it says none.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AwsCli:
    """Calls in one region.

    Args:
        region: AWS region.
        flags: further global options, e.g. ``--profile NAME``.
    """

    def __init__(self, region: str, flags: Sequence[str] = ()) -> None:
        self._region, self._flags = region, tuple(flags)

    def call(self, service: str, operation: str, **arguments: Any) -> Mapping[str, Any]:
        """Call an operation, named as the CLI names it (``s3api``, ``put-bucket-versioning``), with the API's own arguments.

        Raises:
            AwsRefused: AWS answered with an error.
            CannotStart: there is no AWS CLI.
        """
        if shutil.which("aws") is None:
            raise CannotStart("there is no aws on PATH. Install the AWS CLI (docs.aws.amazon.com/cli), and log in.")
        command = ["aws", service, operation, "--region", self._region, "--output", "json", *self._flags,
                   "--cli-input-json", json.dumps(arguments, sort_keys=True)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS,
                                  env={**os.environ, "AWS_PAGER": ""})
        except subprocess.TimeoutExpired:
            raise EngineFailed(f"aws {service} {operation}: no answer within {_TIMEOUT_SECONDS} s.") from None
        if done.returncode != 0:
            raise _refused(service, operation, done.stderr)
        found: Mapping[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return found


def _refused(service: str, operation: str, said: str) -> AwsRefused:
    """``An error occurred (NoSuchBucket) when calling …`` is what the CLI writes."""
    line = next((line for line in reversed(said.splitlines()) if line.strip()), "it failed")
    code = line.partition("(")[2].partition(")")[0] if "An error occurred" in line else ""
    return AwsRefused(code, f"aws {service} {operation}: {line.strip()}")
