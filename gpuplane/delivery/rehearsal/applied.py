"""What of an environment is applied to the throw-away cluster, in which order, and what is left out and why.

Objects are applied by server-side apply, as the hand-off engines do, not by Pulumi: the subject is what the API server and
the controllers make of them (docs/adr/0028).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gpuplane.delivery.handoff.delivery_parts import RELEASE, waves
from gpuplane.delivery.manifests import missing
from gpuplane.delivery.rehearsal.api_server import ApiServer, Refused
from gpuplane.delivery.rehearsal.marks import marked
from gpuplane.delivery.rehearsal.model_pods import spans_pods
from gpuplane.graph.resource_view import ResourceView

_THREADS = 4
UNKNOWN = "<known after apply:"
"""How an unknown value begins in a report in JSON form."""
GROUPED = "replicas of several pods are not rehearsed"
_NOT_REAL = ("pulumi:", "gpuplane:")


@dataclass(frozen=True)
class LeftOut:
    """A part of the environment that is not rehearsed.

    Attributes:
        what: kind and how many.
        why: a clause.
    """

    what: str
    why: str


@dataclass(frozen=True)
class RefusedObject:
    """An object that the API server, or a webhook, did not take."""

    name: str
    why: str


@dataclass(frozen=True)
class Rehearsable:
    """An environment, sorted.

    Attributes:
        waves: objects to apply, those that others need first.
        left_out: what is not.
        namespaces: that charts would have made, and objects live in.
    """

    waves: tuple[tuple[ResourceView, ...], ...]
    left_out: tuple[LeftOut, ...]
    namespaces: tuple[str, ...] = ()

    @property
    def objects(self) -> tuple[ResourceView, ...]:
        """All that is applied, in order."""
        return tuple(view for wave in self.waves for view in wave)


def rehearsable(views: Sequence[ResourceView], served: Collection[tuple[str, str]]) -> Rehearsable:
    """Sort the planned graph.

    Args:
        served: ``apiVersion`` and ``kind`` of what the cluster knows.
    """
    real = [view for view in views if view.custom and not view.type.startswith(_NOT_REAL)]
    reasons = {view.urn: _reason(view, served) for view in real}
    there = [view for view in real if not reasons[view.urn]]
    order = waves(there, {view.urn: frozenset(view.dependencies) for view in there})
    by_wave: dict[int, list[ResourceView]] = defaultdict(list)
    for view in there:
        by_wave[order[view.urn]].append(view)
    made = {view.name for view in there if view.kind == "Namespace"}
    return Rehearsable(tuple(tuple(by_wave[wave]) for wave in sorted(by_wave)), _left_out(real, reasons),
                       tuple(sorted({view.namespace for view in there if view.namespace} - made)))


def apply_all(server: ApiServer, work: Rehearsable, run: str, progress: Callable[[str], None],
              in_time: Callable[[], object]) -> tuple[RefusedObject, ...]:
    """Apply everything, wave after wave; what is refused is told, and the rest goes on.

    Args:
        in_time: asked before each object; what it raises ends the work.
    """
    refused: list[RefusedObject] = []
    for name in work.namespaces:
        if server.get(server.kinds["v1", "Namespace"], name) is None:
            server.apply(marked({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, run))
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="apply") as pool:
        for number, wave in enumerate(work.waves):
            progress(f"applying wave {number + 1} of {len(work.waves)}: {len(wave)} objects")
            refused += [one for one in pool.map(lambda view: _apply(server, view, run, in_time), wave) if one is not None]
    return tuple(refused)


def _apply(server: ApiServer, view: ResourceView, run: str, in_time: Callable[[], object]) -> RefusedObject | None:
    in_time()
    try:
        server.apply(marked(view.props, run))
    except Refused as error:
        return RefusedObject(str(view), error.message)
    return None


def _reason(view: ResourceView, served: Collection[tuple[str, str]]) -> str:
    if view.type == RELEASE:
        return "charts are not installed; the cluster brings their controllers or goes without"
    if not view.is_kubernetes:
        return "made by the cloud, which is not there"
    if (view.api_version, view.kind) not in served:
        return "the cluster has no such kind"
    if spans_pods(view):
        return GROUPED
    return "a part of it is only known after apply, or secret" if any(missing(view)) or UNKNOWN in str(view.props) else ""


def _left_out(views: Sequence[ResourceView], reasons: Mapping[str, str]) -> tuple[LeftOut, ...]:
    counted: dict[tuple[str, str], int] = defaultdict(int)
    for view in views:
        if reasons[view.urn]:
            counted[view.kind, reasons[view.urn]] += 1
    return tuple(LeftOut(f"{kind} ({count})", why) for (kind, why), count in sorted(counted.items()))
