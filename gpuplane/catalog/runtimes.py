"""Model servers: the rows that ship with gpuplane, a user's own over them, and the row of each service."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.release import Release
from gpuplane.spec.runtime import MODEL_DIRECTORY, SERVICE_PLACEHOLDERS, Runtime, RuntimeArgument, RuntimeSpec

TYPED_BLOCKS = ("triton", "vllm")
"""Runtimes that have a block of their own in ``release``."""
MODEL_NAME = "{{.Name}}"
"""What KServe fills in: the name of the InferenceService."""


@dataclass(frozen=True)
class ServerFacts:
    """What a service's row says once its version is known.

    Attributes:
        name: of the runtime.
        row: the row.
        version: of the server.
        drains: the server finishes its requests after SIGTERM; else the pod has to wait before it sends that.
    """

    name: str
    row: RuntimeSpec
    version: str
    drains: bool

    @property
    def drain_argument(self) -> str | None:
        """The argument that says how long it drains; None where this version has none."""
        return self.row.drain.argument if self.drains else None


@cache
def shipped_runtimes() -> Mapping[str, RuntimeSpec]:
    """The rows that ship with gpuplane, by name, sorted.

    Raises:
        pydantic.ValidationError: a row file is wrong, which the integrity tests find.
    """
    folder = files("gpuplane.catalog") / "data" / "runtimes"
    found = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            value = json.dumps(yaml.safe_load(file.read_text(encoding="utf-8")))
            document = Runtime.model_validate_json(value, by_alias=True, by_name=False)
            found[document.name] = document.spec
    return MappingProxyType(found)


def runtimes_of(spec: EnvironmentSpec) -> Mapping[str, RuntimeSpec]:
    """Every runtime that services may name: the shipped ones, and over them the user's own."""
    return {**shipped_runtimes(), **{name: document.spec for name, document in spec.runtimes.items()}}


def server_of(spec: EnvironmentSpec, release: Release) -> ServerFacts:
    """The runtime of a release.

    Raises:
        KeyError: there is no such runtime; :func:`gpuplane.catalog.runtime_arguments.release_errors` says so before.
    """
    name, version = release.engine
    row = spec.runtimes[name].spec if name in spec.runtimes else shipped_runtimes()[name]
    drain = row.drain
    young = drain.since is None or version_numbers(version) >= version_numbers(drain.since)
    return ServerFacts(name, row, version, drain.method != "wait" and young)


def runtime_arguments(row: RuntimeSpec) -> tuple[str, ...]:
    """What every service of the runtime starts it with."""
    return tuple(filled(text, row) for text in row.args if not any(placeholder in text for placeholder in SERVICE_PLACEHOLDERS))


def service_arguments(server: ServerFacts, release: Release, drain_seconds: int,
                      model_repository: str = MODEL_DIRECTORY) -> tuple[str, ...]:
    """What one service adds: its model repository, how long it drains, and what it sets.

    Args:
        server: the row of the service's runtime.
        drain_seconds: longest time that a request may take.
        model_repository: folder that the server reads its models from.
    """
    row = server.row
    own = [text for text in row.args if any(placeholder in text for placeholder in SERVICE_PLACEHOLDERS)]
    drain = [server.drain_argument] if server.drain_argument is not None else []
    said = [_rendered(row.arguments[name], value) for name, value in sorted(_written(release).items())]
    texts = [filled(text, row).replace("{model_repository}", model_repository).replace("{drain_seconds}", str(drain_seconds))
             for text in (*own, *drain)]
    return tuple(text for text in (*texts, *said) if text)


def filled(text: str, row: RuntimeSpec) -> str:
    """A template with what is the same in every service of the runtime."""
    return text.replace("{model_name}", MODEL_NAME).replace("{model_directory}", MODEL_DIRECTORY).replace("{port}", str(row.port))


def _rendered(argument: RuntimeArgument, value: bool | int | float | str) -> str | None:
    if isinstance(value, bool):
        return argument.flag if value else None
    return f"{argument.flag}={value}"


def _written(release: Release) -> Mapping[str, Any]:
    return release.runtime.arguments if release.runtime is not None else {}


def version_numbers(version: str) -> tuple[int, ...]:
    """A server's version as numbers that compare as they should; of a release candidate, those of the release."""
    return tuple(int(part) for part in re.findall(r"[0-9]+", version.partition("rc")[0]))
