"""A cluster for one rehearsal: made, marked as throw-away, and gone afterwards, whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.local import managers
from gpuplane.delivery.rehearsal.local.control_plane import CORE, LocalControlPlane, wait_until
from gpuplane.delivery.rehearsal.local.manifests import Manifests, definition, read_manifests, webhooks
from gpuplane.delivery.rehearsal.local.processes import PREFIX, listens, remove_leftovers
from gpuplane.delivery.rehearsal.local.programs import require_programs
from gpuplane.delivery.rehearsal.marks import SYSTEM, THROW_AWAY

Progress = Callable[[str], None]


@contextmanager
def throw_away_cluster(crds: Sequence[Path], progress: Progress, kueue: Mapping[str, Any] = MappingProxyType({})) -> Iterator[ApiServer]:
    """A control plane of processes of this machine, with what the manifests bring.

    Args:
        kueue: fields of Kueue's Configuration, over those of the manifests; None: the field is not there.

    Raises:
        CannotStart: a program is missing, or a manifest cannot be read.
        EngineFailed: a program ended, or does not get ready.
    """
    programs = require_programs()
    manifests = read_manifests(crds)
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    plane = LocalControlPlane(folder)
    try:
        progress(f"starting {', '.join(programs)}")
        plane.up()
        server = ApiServer(plane.kubeconfig)
        _install(plane, server, manifests, kueue, progress)
        server.discover()
        server.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": THROW_AWAY, "namespace": SYSTEM}})
        yield server
    finally:
        plane.down()
        shutil.rmtree(folder, ignore_errors=True)


def _install(plane: LocalControlPlane, server: ApiServer, manifests: Manifests, kueue: Mapping[str, Any],
             progress: Progress) -> None:
    """CRDs, then controllers, then their webhooks: nobody is asked before somebody answers."""
    here, missing = managers.managers_here(manifests)
    for line in missing.values():
        progress(f"{line}: what depends on it is not rehearsed")
    hooks = managers.hooks_of(here, plane.folder)
    for body in manifests.namespaces:
        server.apply(body)
    for body in manifests.definitions:
        server.apply(definition(body, hooks))
    wait_until(lambda: _are_served(server, manifests), "the CRDs are served", plane.processes)
    for body in manifests.settings:
        server.apply(managers.settings_here(body))
    alive = _started(plane, manifests, here, kueue, progress)
    silent = {one.name: f"{one.name} has ended, or does not answer" for one in here if one not in alive}
    server.unattended = {managers.ROLES[name].serves: why for name, why in {**missing, **silent}.items()}
    hooks = tuple(hook for hook in hooks if hook.port in {one.webhook_port for one in alive})
    if silent:
        for body in manifests.definitions:
            server.apply(definition(body, hooks))
    for found in (found for body in manifests.webhooks for found in webhooks(body, hooks)):
        server.apply(found)
    for body in manifests.objects:
        server.apply({key: body[key] for key in ("apiVersion", "kind", "spec") if key in body} | {"metadata": _named(body)})


def _started(plane: LocalControlPlane, manifests: Manifests, here: Sequence[managers.Manager], kueue: Mapping[str, Any],
             progress: Progress) -> list[managers.Manager]:
    """Controllers that answer; one that ends is done without, and said."""
    for one in here:
        managers.start(one, plane, manifests, kueue)
    alive = list[managers.Manager]()
    for one in here:
        progress(f"waiting for {one.name}")
        try:
            wait_until(lambda port=one.webhook_port: listens([port]), f"{one.name} answers", plane.processes,  # type: ignore[misc]
                       (*CORE, one.name))
        except EngineFailed as error:
            plane.processes.kill(one.name)
            progress(f"{error}: what depends on it is not rehearsed")
        else:
            alive.append(one)
    return alive


def _named(body: dict[str, object]) -> dict[str, object]:
    metadata = body["metadata"]
    assert isinstance(metadata, dict)
    return {key: metadata[key] for key in ("name", "namespace", "labels", "annotations") if key in metadata}


def _are_served(server: ApiServer, manifests: Manifests) -> bool:
    kinds = server.discover().keys()
    return all((f"{one['spec']['group']}/{version['name']}", one["spec"]["names"]["kind"]) in kinds
               for one in manifests.definitions for version in one["spec"]["versions"] if version["served"])
