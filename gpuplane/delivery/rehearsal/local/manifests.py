"""What others' releases bring, read from their own manifests: CRDs, webhooks, and the settings of their controllers.

Deployments, Services and rights are left out: a controller runs as a process here, as the administrator, and is called at a port.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from gpuplane.delivery.exit_status import CannotStart

CRD = "CustomResourceDefinition"
_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_SUFFIXES = (".yaml", ".yml", ".json")

Body = dict[str, Any]


@dataclass(frozen=True)
class Hook:
    """Where a controller serves its webhooks.

    Attributes:
        group: API group whose kinds it looks after.
        words: what its webhooks and CRDs are known by, in their names and in those of configuration and Service.
        others: what names of webhooks and CRDs begin with that another controller of the group serves.
        port: on this machine.
        bundle: its certificate, in base64.
    """

    group: str
    words: str
    others: str
    port: int
    bundle: str

    def answers(self, body: Body, one: Mapping[str, Any]) -> bool:
        """Whether it serves a webhook of a configuration."""
        service = one["clientConfig"].get("service") or {}
        names = (body["metadata"]["name"], one["name"], service.get("name", ""), service.get("namespace", ""))
        return any(self.words in name for name in names) and not (self.others and one["name"].startswith(self.others))

    def converts(self, body: Body) -> bool:
        """Whether it looks after the kind of a CRD."""
        name = body["metadata"]["name"]
        return body["spec"]["group"] == self.group and self.words in name and not (self.others and name.startswith(self.others))

    def client(self, given: Mapping[str, Any]) -> Body:
        """How the API server calls it, in place of what a manifest says."""
        path = (given.get("service") or {}).get("path") or urlsplit(str(given.get("url") or "")).path
        return {"url": f"https://127.0.0.1:{self.port}{path or '/'}", "caBundle": self.bundle}


@dataclass(frozen=True)
class Manifests:
    """What there is to install, by sort."""

    namespaces: tuple[Body, ...]
    definitions: tuple[Body, ...]
    settings: tuple[Body, ...]
    objects: tuple[Body, ...]
    webhooks: tuple[Body, ...]

    def setting(self, name: str) -> Body | None:
        """A ConfigMap by its name."""
        return next((one for one in self.settings if one["metadata"]["name"] == name), None)

    def serves(self, group: str, kind: str) -> bool:
        """Whether there is a CRD of a kind."""
        return any((one["spec"]["group"], one["spec"]["names"]["kind"]) == (group, kind) for one in self.definitions)


def read_manifests(paths: Sequence[Path]) -> Manifests:
    """Everything in files and folders of YAML or JSON.

    Raises:
        CannotStart: one is not there, or cannot be read.
    """
    bodies = [body for path in paths for file in _files(path) for body in _bodies(file)]
    definitions = {one["metadata"]["name"]: one for one in bodies if one["kind"] == CRD}
    kinds = {(one["spec"]["group"], one["spec"]["names"]["kind"]) for one in definitions.values()}
    settings = tuple(one for one in bodies if one["kind"] == "ConfigMap")
    wanted = {one["metadata"].get("namespace", "default") for one in settings} - {"default", "kube-system"}
    namespaces = tuple({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in sorted(wanted))
    objects = tuple(one for one in bodies if (str(one["apiVersion"]).partition("/")[0], one["kind"]) in kinds)
    webhooks = tuple(one for one in bodies if one["kind"] in _WEBHOOKS)
    return Manifests(namespaces, tuple(definitions.values()), settings, objects, webhooks)


def definition(body: Body, hooks: Iterable[Hook]) -> Body:
    """A CRD whose versions are converted by who runs here, or by nobody."""
    spec = {key: value for key, value in body["spec"].items() if key != "conversion"}
    conversion = body["spec"].get("conversion") or {}
    hook = next((one for one in hooks if one.converts(body)), None)
    if hook is not None and conversion.get("strategy") == "Webhook":
        webhook = conversion["webhook"]
        spec["conversion"] = {**conversion, "webhook": {**webhook, "clientConfig": hook.client(webhook["clientConfig"])}}
    return {"apiVersion": body["apiVersion"], "kind": CRD, "spec": spec, "metadata": _plain(body["metadata"])}


def webhooks(body: Body, hooks: Iterable[Hook]) -> Iterator[Body]:
    """Webhook configurations that call who runs here; nothing where nobody does, for what nobody answers stops everything."""
    for hook in hooks:
        kept = [{**one, "clientConfig": hook.client(one["clientConfig"])} for one in body["webhooks"] if hook.answers(body, one)]
        if kept:
            name = f"{hook.group.partition('.')[0]}-{body['metadata']['name']}"
            yield {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": {"name": name}, "webhooks": kept}


def _plain(metadata: Mapping[str, Any]) -> Body:
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key.startswith("api-approved")}
    return {"name": metadata["name"], **({"annotations": kept} if kept else {})}


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)
    if not path.is_file():
        raise CannotStart(f"--crds {path}: there is no such file or folder.")
    return [path]


def _bodies(file: Path) -> Iterator[Body]:
    try:
        text = file.read_text(encoding="utf-8")
        found = [json.loads(text)] if file.suffix == ".json" else list(yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CannotStart(f"--crds {file}: cannot be read: {str(error).splitlines()[0]}.") from None
    yield from (one for each in found for one in _unrolled(each) if one.get("kind") and one.get("apiVersion") and one.get("metadata"))


def _unrolled(found: Any) -> Iterator[Body]:
    """Objects of a document: one, or those of a list."""
    if isinstance(found, list):
        yield from (one for one in found if isinstance(one, dict))
    elif isinstance(found, dict):
        yield from found["items"] if isinstance(found.get("items"), list) else [found]
