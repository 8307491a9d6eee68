"""Whether a cluster may be rehearsed on: marked as throw-away, without real nodes, and empty of what the environment brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gpuplane.delivery.exit_status import REFUSED, Stop
from gpuplane.delivery.rehearsal.api_server import ApiServer, Refused
from gpuplane.delivery.rehearsal.fake_nodes import FAKE
from gpuplane.delivery.rehearsal.marks import RUNNING, SYSTEM, THROW_AWAY, marked
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.errors import listed

_KIND_PROVIDER = "kind://"
_NAMED = 5


class NotThrowAway(Stop):
    """The cluster is not one to rehearse on; nothing was touched."""

    status = REFUSED


def require_throw_away(server: ApiServer) -> None:
    """Refuse a cluster that nobody gave away, or that real machines serve.

    Raises:
        NotThrowAway: says why, and how a cluster is marked.
    """
    if server.get(server.kinds["v1", "ConfigMap"], THROW_AWAY, SYSTEM) is None:
        raise NotThrowAway(
            f"{server.address} is not marked as throw-away, so nothing was touched: a rehearsal fills a cluster, breaks its nodes and "
            f"deletes tenants. If it may be thrown away: kubectl create configmap {THROW_AWAY} -n {SYSTEM}")
    real = [node["metadata"]["name"] for node in server.list(server.kinds["v1", "Node"]) if not is_harmless(node)]
    if real:
        raise NotThrowAway(f"{server.address} is marked as throw-away, but has real nodes ({_few(real)}): only fake ones (annotation "
                           f"{FAKE}) and those of kind may be there. Remove the mark, or take another cluster.")


def require_room(server: ApiServer, views: Iterable[ResourceView], selectors: Iterable[Mapping[str, str]]) -> None:
    """Refuse a cluster with objects or nodes in the way.

    Args:
        views: what would be applied.
        selectors: labels that select the pools' nodes.

    Raises:
        NotThrowAway: an earlier rehearsal is there, or somebody else's objects.
    """
    former = server.get(server.kinds["v1", "ConfigMap"], RUNNING, SYSTEM)
    if former is not None:
        begun = (former.get("data") or {}).get("begun", "an unknown time")
        raise NotThrowAway(f"a rehearsal begun at {begun} runs here, or was killed. If it is dead: gpuplane rehearse --clean")
    there = [str(view) for view in views if server.get(server.kinds[view.api_version, view.kind], view.name, view.namespace) is not None]
    if there:
        raise NotThrowAway(f"{len(there)} objects of this environment are there already and not of a rehearsal ({_few(there)}). "
                           "Take an empty cluster.")
    nodes = [node["metadata"]["name"] for node in server.list(server.kinds["v1", "Node"]) for labels in selectors
             if labels.items() <= (node["metadata"].get("labels") or {}).items()]
    if nodes:
        raise NotThrowAway(f"nodes that the pools select are there already ({_few(nodes)}): the room would not be the plan's. Remove them.")


def begin(server: ApiServer, environment: str) -> str:
    """Note that a rehearsal runs; only one can. Returns by what it is known, until it is cleaned up.

    Raises:
        NotThrowAway: another one was faster.
    """
    body = marked({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": RUNNING, "namespace": SYSTEM},
                   "data": {"environment": environment, "begun": datetime.now(UTC).isoformat(timespec="seconds")}}, environment)
    try:
        return str(server.call("POST", server.kinds["v1", "ConfigMap"].path(SYSTEM), body)["metadata"]["uid"])
    except Refused as error:
        raise NotThrowAway(f"a rehearsal has just begun here: {error}") from None


def runs(server: ApiServer, run: str) -> bool:
    """Whether a rehearsal is the one that is here: nobody has cleaned up after it yet."""
    found = server.get(server.kinds["v1", "ConfigMap"], RUNNING, SYSTEM)
    return found is not None and found["metadata"]["uid"] == run


def is_harmless(node: Mapping[str, Any]) -> bool:
    """Whether no real machine stands behind a node: kwok looks after it, or it is a container of kind."""
    annotations, provider = node["metadata"].get("annotations") or {}, (node.get("spec") or {}).get("providerID") or ""
    return annotations.get(FAKE) == "fake" or provider.startswith(_KIND_PROVIDER)


def _few(names: list[str]) -> str:
    return listed(sorted(names), _NAMED)
