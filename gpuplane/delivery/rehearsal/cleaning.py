"""Everything that a rehearsal made goes again, by its label: also what one that was killed has left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.rehearsal.api_server import ApiServer, Kind
from gpuplane.delivery.rehearsal.marks import LABEL, RUNNING, SYSTEM

_FIRST = ("InferenceService", "LLMInferenceService", "InferenceGraph", "ScaledObject")
"""What makes other things, and must not make them again while those are deleted."""
_LAST = ("ClusterQueue", "Cohort", "ResourceFlavor", "Namespace")
"""What lives until nothing uses it any more."""
_UNSEEN = frozenset({"Event", "Endpoints", "EndpointSlice", "Lease"})
"""Kinds that controllers keep for themselves."""
_NODE = "Node"
_EVERY_SECONDS = 0.5

Left = list[tuple[Kind, dict[str, Any]]]


def _always() -> bool:
    return True


def clean(server: ApiServer, seconds: float, progress: Callable[[str], None], may: Callable[[], bool] = _always) -> list[str]:
    """Delete everything with a rehearsal's label; names of what is still there after so many seconds.

    Args:
        may: asked before each deletion; after a no nothing more is done.
    """
    kinds, end = _kinds(server), time.monotonic() + seconds
    middle = tuple(kind.kind for kind in kinds if kind.kind not in (*_FIRST, *_LAST, _NODE))
    for part, words in ((_FIRST, "models"), (middle, "what belongs to them"), (_LAST, "tenants and queues")):
        if not may():
            return []
        progress(f"removing {words}")
        for kind in kinds:
            if kind.kind in part:
                _delete_all(server, kind)
    # A fake kubelet looks after pods only as long as their node is there.
    found = _wait_until_gone(server, end, lambda kind: kind.kind != _NODE)
    if not may():
        return []
    progress("removing nodes")
    _delete_all(server, server.kinds["v1", _NODE])
    found = found or _wait_until_gone(server, end, lambda _: True)
    if not found and may():
        server.delete(server.kinds["v1", "ConfigMap"], RUNNING, SYSTEM)
    return [f"{kind.kind} {_name(body)}" for kind, body in found]


def _wait_until_gone(server: ApiServer, end: float, which: Callable[[Kind], bool]) -> Left:
    while found := [(kind, body) for kind, body in marked_objects(server) if which(kind)]:
        if time.monotonic() >= end:
            break
        time.sleep(_EVERY_SECONDS)
    return found


def marked_objects(server: ApiServer, label: str = LABEL) -> Left:
    """Everything with a label, of whatever kind."""
    return [(kind, body) for kind in _kinds(server) for body in _marked(server, kind, label)]


def _delete_all(server: ApiServer, kind: Kind) -> None:
    for body in _marked(server, kind, LABEL):
        server.delete(kind, body["metadata"]["name"], body["metadata"].get("namespace", ""))


def _marked(server: ApiServer, kind: Kind, label: str) -> list[dict[str, Any]]:
    """Objects of a kind but the note that a rehearsal is here, which goes last: until then no other begins."""
    return [body for body in server.list(kind, labels=label) if (kind.kind, body["metadata"]["name"]) != ("ConfigMap", RUNNING)]


def _kinds(server: ApiServer) -> list[Kind]:
    """Kinds that can be listed and deleted, each once, in its first version."""
    return list(_each_once(kind for kind in server.kinds.values() if {"list", "delete"} <= kind.verbs and kind.kind not in _UNSEEN))


def _each_once(kinds: Iterator[Kind]) -> Iterator[Kind]:
    seen: set[tuple[str, str]] = set()
    for kind in kinds:
        key = (kind.api_version.rpartition("/")[0], kind.plural)
        if key not in seen:
            seen.add(key)
            yield kind


def _name(body: dict[str, Any]) -> str:
    metadata = body["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def require_clean(server: ApiServer, seconds: float, progress: Callable[[str], None], may: Callable[[], bool] = _always) -> None:
    """Clean, as long as that may be, and fail where something stays.

    Raises:
        EngineFailed: names what is still there.
    """
    left = clean(server, seconds, progress, may)
    if left:
        raise EngineFailed(f"after {seconds:.0f} s {len(left)} objects are still there: {', '.join(left[:8])}. "
                           "Run gpuplane rehearse --clean again, or throw the cluster away.")
