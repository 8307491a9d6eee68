"""What encrypts the secrets in a stack's state: what the environment wishes, and what the state says; never silently another.

Pulumi keeps in each state which provider it is, and for a key service the data key that the service has wrapped.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.spec.environment_spec import EnvironmentSpec

DEFAULT = "passphrase"
"""The provider that every self-managed backend has if nothing else is said."""


def wished(spec: EnvironmentSpec) -> str | None:
    """What the environment says, as Pulumi takes it: ``passphrase``, or a key service's URL; None where it says nothing."""
    return spec.environment.spec.secrets_provider


def key_service(spec: EnvironmentSpec) -> str | None:
    """URL of the wished key service, if it is one."""
    return None if wished(spec) == DEFAULT else wished(spec)


def needs_passphrase(spec: EnvironmentSpec, backend: str) -> bool:
    """Whether Pulumi cannot work on the environment's stacks without a passphrase."""
    return wished(spec) == DEFAULT or (wished(spec) is None and not backend.startswith("https://"))


def has_passphrase() -> bool:
    """Whether one was given, or a file with it."""
    return bool({"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys())


def provider_of(deployment: Mapping[str, Any]) -> str:
    """What a state's secrets are encrypted by: ``passphrase``, a key service's URL, ``service`` (Pulumi Cloud); empty: nothing."""
    said = deployment.get("secrets_providers") or {}
    kind = str(said.get("type") or "")
    return str((said.get("state") or {}).get("url") or kind) if kind == "cloud" else kind


def difference(spec: EnvironmentSpec, stack: str, deployment: Mapping[str, Any]) -> str | None:
    """How a state is encrypted otherwise than the environment wishes, with what to do; None where it is not."""
    want, there = wished(spec), provider_of(deployment)
    if want is None or not there or _parts(want) == _parts(there):
        return None
    place = spec.places[("Environment", spec.name)]
    words = ", with PULUMI_CONFIG_PASSPHRASE set" if DEFAULT in (want, there) else ""
    asked = " (which asks for the passphrase again)" if want == DEFAULT else ""
    return (f"{stack}: the secrets in its state are encrypted by {there}, and {place.file}:{place.line('spec.secrets_provider')} "
            f"spec.secrets_provider says {want}. To have them encrypted anew, in the folder of Pulumi.yaml{words}: "
            f"`pulumi stack change-secrets-provider '{want}' --stack {stack}`{asked}; else write what is there.")


def require_wished(spec: EnvironmentSpec, stack: str, deployment: Mapping[str, Any]) -> None:
    """Return only if a state is encrypted as the environment wishes, or not at all yet.

    Raises:
        EngineFailed: it is not.
    """
    differs = difference(spec, stack, deployment)
    if differs is not None:
        raise EngineFailed(f"{differs} Nothing was done.")


def _parts(provider: str) -> tuple[object, ...]:
    """A provider without the order of its URL's parameters, which means nothing."""
    found = urlsplit(provider)
    return found.scheme, found.netloc, found.path, tuple(sorted(parse_qsl(found.query, keep_blank_values=True)))
