"""All that one tenant's resources follow from, and its digest: the same digest, the same resources.

Nobody has to be believed: resources are rendered from what is handed out here, and what is not in the digest is not handed out. Whatever
asks for more gets a :class:`gpuplane.spec.own.NotOwnError`, and the layer is rendered as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gpuplane
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan
from gpuplane.planning.json_value import json_value
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.own import NotOwnError, Own

_OF_TENANTS = ("tenants", "services")
"""Folders of an environment whose files are of one tenant each: ``tenants/<tenant>.yaml``, ``services/<tenant>/…``."""
_OPEN = frozenset({"environment", "region", "pools", "tenants", "startup_seconds", "versions"})
_LOAD = frozenset({"committed_nodes", "committed_usd_per_month", "worst_case_usd_per_month"})
"""What of a pool follows from the services on it."""
_SDKS = ("pulumi", "pulumi-kubernetes", "pulumi-aws", "kserve", "pydantic")


class _OwnPlan(EnvironmentPlan):
    """A plan of which only what is in the digest can be read."""

    def __getattribute__(self, name: str) -> Any:
        if name in EnvironmentPlan.__dataclass_fields__ and name not in _OPEN:
            raise NotOwnError(f"{name} of the plan is of all tenants")
        return super().__getattribute__(name)


class _OwnPool(PoolPlan):
    """A pool without what is on it."""

    def __getattribute__(self, name: str) -> Any:
        if name in _LOAD:
            raise NotOwnError(f"{name} of a pool is of all tenants")
        return super().__getattribute__(name)


class OwnInputs:
    """The inputs of each tenant of an environment.

    Args:
        spec: the wish, as its files say it: their bytes are what the digest is of.
        planned: its plan.

    Raises:
        OSError: a file cannot be read.
    """

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
        self._spec, self._planned = spec, planned
        folder = Path(spec.places["Environment", spec.name].file).resolve().parent
        self._pools = {name: _own_pool(pool) for name, pool in planned.pools.items()}
        self._files, shared = _files(folder)
        self._startup: dict[str, dict[str, int]] = {}  # of canaries too, which are no documents
        for name, seconds in planned.startup_seconds.items():
            self._startup.setdefault(name.partition("/")[0], {})[name] = seconds
        known = {name: {key: json_value(value, key) for key, value in _fields(pool).items() if key not in _LOAD}
                 for name, pool in planned.pools.items()}
        said = json.dumps([known, planned.region, json_value(planned.versions)], sort_keys=True)
        self._shared = _digest(program_digest(), spec.name, shared, said)

    def digest(self, tenant: str) -> str:
        """Digest of all that the tenant's resources follow from."""
        plan = self._planned
        own = {"plan": json_value(plan.tenants[tenant]), "startup_seconds": self._startup.get(tenant, {})}
        return _digest(self._shared, tenant, self._files.get(tenant, ""), json.dumps(own, sort_keys=True))

    def of(self, tenant: str) -> tuple[EnvironmentSpec, EnvironmentPlan]:
        """The wish and its plan, cut down to the tenant."""
        cut: dict[str, Any] = {"pools": self._pools, "tenants": Own(tenant, {tenant: self._planned.tenants[tenant]}),
                               "startup_seconds": Own(tenant, self._startup.get(tenant, {}))}
        return self._spec.of_tenant(tenant), _OwnPlan(**{**_fields(self._planned), **cut})


def _own_pool(pool: PoolPlan) -> PoolPlan:
    return _OwnPool(**_fields(pool))


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _files(folder: Path) -> tuple[Mapping[str, str], str]:
    """Digest of each tenant's files by tenant, and of all other files that the environment is read from."""
    own: dict[str, list[str]] = {}
    shared: list[str] = []
    for top, folders, names in os.walk(folder):
        folders.sort()
        inside = Path(top).relative_to(folder).parts
        for name in sorted(names):
            place, at = [*inside, name], f"{top}{os.sep}{name}"
            if not os.path.isfile(at):  # noqa: PTH113 of thousands of files path objects take longer than to read them
                continue
            whose = own.setdefault(place[1].removesuffix(".yaml"), []) if place[0] in _OF_TENANTS and len(place) > 1 else shared
            whose += [*place, hashlib.sha256(_content(at)).hexdigest()]
    environments = folder.parent
    for file in sorted({*environments.glob("*"), *environments.glob("runtimes/**/*"), *environments.glob("catalog/**/*")}):
        if file.is_file():
            shared += [str(file.relative_to(environments)), hashlib.sha256(file.read_bytes()).hexdigest()]
    return {name: _digest(*parts) for name, parts in own.items()}, _digest(*shared)


def _content(file: str) -> bytes:
    with open(file, "rb") as opened:  # noqa: PTH123
        return opened.read()


@cache
def program_digest() -> str:
    """Digest of the program: other code, other resources."""
    top = Path(gpuplane.__file__).resolve().parent
    files = sorted({file for name in ("", "components", "stacks", "policies") for file in (top / name).resolve().rglob("*")
                    if file.suffix in (".py", ".yaml", ".tsv", ".json", ".rego")})
    parts = [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    return _digest(sys.version, *(version(name) for name in _SDKS), *parts)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
