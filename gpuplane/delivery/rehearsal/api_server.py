"""Plain calls on the API server of a throw-away cluster, for kinds that are only known at run time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.preview_report import plain

FIELD_MANAGER = "gpuplane-rehearsal"
"""Field manager of everything that a rehearsal applies."""
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
_TIMEOUT_SECONDS = 30
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_NOT_FOUND, _WRONG = 404, 400

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Refused(Exception):
    """The API server said no.

    Attributes:
        status: of HTTP.
        message: its own words.
    """

    status: int
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, order=True)
class Kind:
    """A kind that the cluster serves."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "", below: str = "") -> str:
        """Path of all objects, of those of a namespace, of one, or of a part of one."""
        root = f"/api/{self.api_version}" if self.api_version == "v1" else f"/apis/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if self.namespaced and namespace else []), self.plural, name, below]
        return "/".join(part for part in parts if part)


class ApiServer:
    """One cluster.

    Args:
        kubeconfig: its file; None: what ``KUBECONFIG`` names.
        context: in that file; None: the current one.

    Attributes:
        kubeconfig: as it was given.
        address: URL of the server.
        unattended: why no controller looks after a kind, by kind, where whoever made the cluster knows it.

    Raises:
        CannotStart: there is no such file or context, or nobody answers.
    """

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        from kubernetes import config
        from kubernetes.config.config_exception import ConfigException

        try:
            self._client = config.new_client_from_config(str(kubeconfig) if kubeconfig else None, context)
        except (ConfigException, OSError, TypeError) as error:
            raise CannotStart(f"no cluster to rehearse on: {str(error).splitlines()[0]}. Set KUBECONFIG, or --kubeconfig and "
                              "--context, to those of a throw-away cluster.") from None
        self.kubeconfig = kubeconfig
        self.address: str = self._client.configuration.host
        self.unattended: Mapping[str, str] = {}

    def call(self, method: str, path: str, body: Any = None, query: Sequence[tuple[str, str]] = (), content_type: str = "application/json",
             accept: str = "application/json") -> dict[str, Any]:
        """One call.

        Raises:
            Refused: a status of 400 or more.
            EngineFailed: the server does not answer.
        """
        text = self._open(method, path, body, query, content_type, accept, _TIMEOUT_SECONDS).data
        return dict(json.loads(text)) if text else {}

    def lines(self, path: str, query: Sequence[tuple[str, str]], seconds: int) -> Iterator[dict[str, Any]]:
        """Events of a watch, until the server ends it."""
        answer = self._open("GET", path, None, [*query, ("watch", "true"), ("timeoutSeconds", str(seconds))], "application/json",
                            "application/json", seconds + _TIMEOUT_SECONDS)
        rest = b""
        for chunk in answer.stream():
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (json.loads(line) for line in whole if line.strip())

    def get(self, kind: Kind, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object; None where it is not there."""
        try:
            return self.call("GET", kind.path(namespace, name))
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def list(self, kind: Kind, namespace: str = "", labels: str = "") -> list[dict[str, Any]]:
        """Objects of a kind, all of them or those of a namespace or with some labels."""
        found: list[dict[str, Any]] = self.call("GET", kind.path(namespace), query=[("labelSelector", labels)] if labels else [])["items"]
        return found

    def apply(self, body: Body) -> dict[str, Any]:
        """Server-side apply, with every field checked.

        Raises:
            Refused: the API server or a webhook says no.
        """
        metadata = body["metadata"]
        path = self.kinds[body["apiVersion"], body["kind"]].path(metadata.get("namespace", ""), metadata["name"])
        query = [("fieldManager", FIELD_MANAGER), ("force", "true"), ("fieldValidation", "Strict")]
        return self.call("PATCH", path, plain(dict(body)), query, APPLY)

    def merge(self, path: str, body: Body) -> dict[str, Any]:
        """Merge patch of an object, or of a part of it."""
        return self.call("PATCH", path, dict(body), [("fieldManager", FIELD_MANAGER)], MERGE)

    def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """Delete an object and, in the background, what it owns; it is well if it is not there."""
        try:
            self.call("DELETE", kind.path(namespace, name), {"propagationPolicy": "Background"})
        except Refused as error:
            if error.status != _NOT_FOUND:
                raise

    def discover(self) -> Mapping[tuple[str, str], Kind]:
        """Kinds that the cluster serves now, by ``apiVersion`` and ``kind``."""
        self.__dict__.pop("kinds", None)
        return self.kinds

    @cached_property
    def kinds(self) -> Mapping[tuple[str, str], Kind]:
        """Kinds that the cluster serves, as they were at the first look."""
        found = [kind for path in ("/api", "/apis") for kind in _kinds(self.call("GET", path, accept=_DISCOVERY))]
        return {(kind.api_version, kind.kind): kind for kind in found}

    def _open(self, method: str, path: str, body: Any, query: Sequence[tuple[str, str]], content_type: str, accept: str,
              seconds: int) -> Any:
        from urllib3.exceptions import HTTPError

        request = self._client.param_serialize(method, path, query_params=list(query), body=body, auth_settings=["BearerToken"],
                                               header_params={"Accept": accept, "Content-Type": content_type})
        try:
            answer = self._client.call_api(*request, _request_timeout=seconds).response
            if answer.status >= _WRONG:
                raise Refused(answer.status, _said(answer.data))
        except (HTTPError, OSError) as error:
            raise EngineFailed(f"{self.address} does not answer: {type(error).__name__}") from None
        return answer


def _said(text: bytes) -> str:
    """The message of a Status, else the text itself."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", errors="replace").strip() or "no reason was given"


def _kinds(found: Body) -> Iterator[Kind]:
    for group in found["items"]:
        name = (group.get("metadata") or {}).get("name", "")
        for version in group["versions"]:
            api_version = f"{name}/{version['version']}" if name else version["version"]
            yield from (Kind(api_version, each["responseKind"]["kind"], each["resource"], each["scope"] == "Namespaced",
                             frozenset(each["verbs"])) for each in version.get("resources", ()))
