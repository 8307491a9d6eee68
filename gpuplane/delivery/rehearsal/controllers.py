"""Whether Kueue and KServe act here: not whether their kinds are known, but whether they answer for this environment's objects.

What depends on a controller that does not act is *not rehearsed*, and never passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.pull_request.restarts import SERVING
from gpuplane.delivery.rehearsal.applied import GROUPED
from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.graph.resource_view import ResourceView

NAME = "apply"
_ACTS_SECONDS = 30.0
_QUEUE_PROOF = "every ClusterQueue has its flavors, its cohort and its namespaces (wiring of the planned graph)"


def controller_claims(stage: Stage) -> list[Claim]:
    """Claims about what controllers make of the applied objects; notes in ``stage.acts`` who acts."""
    return [*_unseen(stage), *_kueue(stage), *_kserve(stage)]


def _unseen(stage: Stage) -> Iterator[Claim]:
    kinds = {kind for _, kind in stage.server.kinds}
    for name, entry in stage.spec.services.items():
        kind = entry.document.kind
        if name not in stage.services:
            yield Claim(NAME, entry.tenant, name, "its pods are there", "", "", "", "not rehearsed",
                        GROUPED if kind in kinds else stage.server.unattended.get(kind, f"no {kind} here"))


def _kueue(stage: Stage) -> Iterator[Claim]:
    queues = [view for view in stage.views if view.kind == "ClusterQueue"]
    stage.settle(lambda: all(_active(stage, view)[0] == "True" for view in queues), _ACTS_SECONDS, quiet=False)
    found = {view.name: _active(stage, view) for view in queues}
    stage.acts["Kueue"] = any(status for status, _ in found.values())
    for name, (status, message) in found.items() if stage.acts["Kueue"] else ():
        if status != "True":
            yield Claim(NAME, name, f"ClusterQueue {name}", "it is active", _QUEUE_PROOF, "active", message or "not yet looked at",
                        "disagree", "what it refers to is not there, or not as it says")


def _active(stage: Stage, view: ResourceView) -> tuple[str, str]:
    """Status and message of the condition ``Active``; empty where nobody has set it."""
    found = stage.server.get(stage.server.kinds[view.api_version, view.kind], view.name) or {}
    return next(((str(one["status"]), str(one.get("message", ""))) for one in (found.get("status") or {}).get("conditions") or ()
                 if one["type"] == "Active"), ("", ""))


def _kserve(stage: Stage) -> Iterator[Claim]:
    stage.wait_for_deployments()
    silent = {name for name in stage.services if stage.seen.deployment(name) is None}
    stage.acts["KServe"] = len(silent) < len(stage.services)
    for kind in SERVING:
        own = {name for name in stage.services if stage.spec.services[name].document.kind == kind}
        acts = bool(own - silent)
        for name in sorted(own & silent):
            yield Claim(NAME, name.partition("/")[0], name, "KServe makes its Deployment", "", "a Deployment", "none",
                        "disagree" if acts else "not rehearsed",
                        "KServe refuses the service" if acts else
                        stage.server.unattended.get(kind, f"KServe does not act on {kind}s here"))
        if not acts and stage.acts["KServe"]:  # of the two controllers, this one is not there
            stage.services = tuple(name for name in stage.services if name not in own)
