"""Control planes to apply to: each fresh, all alike; what was asked of one, and what it then holds."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.object_fields import bare, fields_different, fields_lacking
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.local.control_plane import CORE, LocalControlPlane, wait_until
from gpuplane.delivery.rehearsal.local.manifests import Manifests, definition
from gpuplane.delivery.rehearsal.local.processes import PREFIX
from gpuplane.delivery.rehearsal.local.programs import program
from gpuplane.graph.resource_view import ResourceView

_ASKER = "admin"
"""Who applies; the controllers and the API server itself are others."""
_POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"],
           "rules": [{"level": "Metadata", "users": [_ASKER]}, {"level": "None"}]}
_WRITES = ("create", "update", "patch", "delete", "deletecollection")
_ALSO = (("v1", "ConfigMap"), ("v1", "Secret"))
"""Kinds in which a way could keep something of its own."""

Key = tuple[str, str, str, str]
"""``apiVersion``, kind, namespace and name of an object."""


class Plane(LocalControlPlane):
    """etcd, an API server that notes what an applier asks, and the core's controllers that tenants' objects need."""

    programs = CORE
    controllers = "namespace-controller,serviceaccount-controller,resourcequota-controller"

    def _arguments(self, name: str) -> list[str]:
        given = super()._arguments(name)
        if name != "kube-apiserver":
            return given
        (self.folder / "audit.json").write_text(json.dumps(_POLICY))
        return [*given, f"--audit-policy-file={self.folder / 'audit.json'}", f"--audit-log-path={self.folder / 'asked'}",
                "--audit-log-maxsize=100000"]


class Asked:
    """What has been asked of a plane since this was made, by those who apply; watches are left out."""

    def __init__(self, plane: Plane) -> None:
        self._log = plane.folder / "asked"
        self._offset = self._log.stat().st_size
        self.verbs: Counter[str] = Counter()

    def look(self) -> Asked:
        """Count what has come since the last look."""
        with self._log.open("rb") as log:
            log.seek(self._offset)
            *lines, rest = log.read().split(b"\n")
            self._offset = log.tell() - len(rest)
        for event in map(json.loads, lines):
            if event["verb"] != "watch":
                self.verbs["dry run" if "dryRun=" in event["requestURI"] else event["verb"]] += 1
        return self

    @property
    def requests(self) -> int:
        """All of them."""
        return self.verbs.total()

    @property
    def writes(self) -> int:
        """Those that change something."""
        return sum(self.verbs[verb] for verb in _WRITES)


def missing_programs() -> str:
    """What of a plane is not here; nothing: all of it is."""
    return ", ".join(name for name in CORE if program(name) is None)


@contextmanager
def fresh_plane(manifests: Manifests) -> Iterator[Plane]:
    """A plane that serves CRDs and holds nothing else; thrown away afterwards, which is the quickest way to delete everything."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    plane = Plane(folder)
    try:
        plane.up()
        server = ApiServer(plane.kubeconfig)
        for body in manifests.definitions:
            server.apply(definition(body, ()))
        names = {(one["spec"]["group"], one["spec"]["names"]["kind"]) for one in manifests.definitions}
        wait_until(lambda: names <= {(kind.api_version.partition("/")[0], kind.kind) for kind in server.discover().values()},
                   "the CRDs are served", plane.processes)
        yield plane
    finally:
        plane.down()
        shutil.rmtree(folder, ignore_errors=True)


def unserved(plane: Plane, views: Sequence[ResourceView]) -> str:
    """Kinds that are wished and that no CRD defines; nothing: all are served."""
    served = ApiServer(plane.kubeconfig).kinds
    return ", ".join(f"{kind} ({version})" for version, kind in sorted({(view.api_version, view.kind) for view in views} - served.keys()))


def held(plane: Plane, views: Sequence[ResourceView]) -> dict[Key, dict[str, Any]]:
    """Objects of the kinds that are wished, and what a way could keep beside them, without what the API server writes into each."""
    server = ApiServer(plane.kubeconfig)
    kinds = sorted({(view.api_version, view.kind) for view in views} | set(_ALSO))
    return {(*each, namespace, name): bare(body) for each in kinds for body in server.list(server.kinds[each])
            for namespace, name in [(body["metadata"].get("namespace", ""), body["metadata"]["name"])]
            if not (namespace or name).startswith("kube-") and (each, name) != (("v1", "ServiceAccount"), "default")}


def lacking(views: Sequence[ResourceView], live: Mapping[Key, Any]) -> list[str]:
    """Fields that are wished and not there as they are wished: a way that leaves something out is no way to the same end."""
    rows = ((view, live.get((view.api_version, view.kind, view.namespace, view.name))) for view in views)
    return [line for view, found in rows for line in fields_lacking(str(view), view.props, found)]


def different(one: Mapping[Key, Any], other: Mapping[Key, Any]) -> list[str]:
    """Fields in which what two planes hold differs."""
    return [line for key in sorted({*one, *other}) for line in fields_different("/".join(filter(None, key)), one.get(key), other.get(key))]
