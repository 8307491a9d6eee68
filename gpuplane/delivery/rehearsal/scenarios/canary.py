"""Canaries are taken back, tried again, taken on and rolled back; where there is none, one service gets a release and is rolled back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.rehearsal.claim import Claim, agrees
from gpuplane.delivery.rehearsal.scenarios.levels import reach
from gpuplane.delivery.rehearsal.scenarios.rolling_update import NEW, is_finished
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.planning.canaries import canary_name

NAME = "canary and rollback"
_PROOF = "a canary is a service of its own beside the other; a release is a pod template"


def canary(stage: Stage) -> Iterator[Claim]:
    """Every canary in turn; in a short run the first."""
    reach(stage, stage.awake)
    trying = [name for name in stage.services if (view := stage.service_view(name)) is not None and view.get("spec", "canary")]
    for name in trying[:1] if stage.short else trying:
        yield from _tried(stage, name)
    if not trying:
        yield Claim(NAME, "", "a canary", "it is tried, and taken on or back", _PROOF, "", "", "not rehearsed", "no service has a canary")
        name = next((name for name in stage.services if stage.awake[name]), "")
        if name:
            yield from _released_and_back(stage, name)


def _tried(stage: Stage, name: str) -> Iterator[Claim]:
    view, entry = stage.service_view(name), stage.wish.services[name]
    running = entry.document.spec.running_canary
    assert view is not None
    assert running is not None  # its object has one
    beside = f"{entry.tenant}/{canary_name(entry.document.name, running)}"
    alone = _without_canary(view.props)
    with stage.step(NAME, f"the canary of {name} is taken back") as began:
        before = _ready(stage, name)
        _apply(stage, alone, {beside: 0})
        gone = stage.settle(lambda: not stage.seen.pods(beside))
        yield _claim(stage, name, "taken back: its pods go, the others stay", f"0 of {beside}, the same {len(before)} run",
                     f"{len(stage.seen.pods(beside))} of {beside}, {len(before & _ready(stage, name))} of the {len(before)} run",
                     gone and before <= _ready(stage, name), began)
    with stage.step(NAME, f"the canary of {name} is tried again") as began:
        _apply(stage, view.props, {beside: stage.awake[beside]})
        there = stage.settle(lambda: len(_ready(stage, beside)) == stage.awake[beside])
        yield _claim(stage, name, "tried: it runs beside the others", f"{stage.awake[beside]} beside the same {len(before)}",
                     f"{len(_ready(stage, beside))} beside {len(before & _ready(stage, name))} of the same {len(before)}",
                     there and before <= _ready(stage, name), began)
    yield from _taken_on_and_back(stage, name, beside, alone)
    _apply(stage, view.props, {beside: stage.awake[beside]})
    stage.settle(lambda: len(_ready(stage, beside)) == stage.awake[beside])


def _taken_on_and_back(stage: Stage, name: str, beside: str, alone: Mapping[str, object]) -> Iterator[Claim]:
    old = {pod.template for pod in stage.seen.pods(name)}
    with stage.step(NAME, f"the canary of {name} is taken on") as began:
        _apply(stage, _taken_on(stage, name).props, {beside: 0})
        done = stage.settle(lambda: is_finished(stage, name, old) and _all_ready(stage, name) and not stage.seen.pods(beside))
        yield _claim(stage, name, "taken on: every pod is of its release", f"{stage.awake[name]} new, none old", _ages(stage, name, old),
                     done, began)
    new = {pod.template for pod in stage.seen.pods(name)}
    with stage.step(NAME, f"{name} is rolled back") as began:
        _apply(stage, alone, {})
        done = stage.settle(lambda: is_finished(stage, name, new) and _all_ready(stage, name))
        yield _claim(stage, name, "rolled back: every pod is of the release before", "the template that ran before",
                     _ages(stage, name, new), done and {pod.template for pod in stage.seen.pods(name)} == old, began)


def _released_and_back(stage: Stage, name: str) -> Iterator[Claim]:
    old = {pod.template for pod in stage.seen.pods(name)}
    former = stage.releases.get(name, 0)
    with stage.step(NAME, f"{name} gets a release"):
        stage.release(name, NEW + 1)
        stage.settle(lambda: is_finished(stage, name, old) and _all_ready(stage, name))
    new = {pod.template for pod in stage.seen.pods(name)} - old
    with stage.step(NAME, f"{name} is rolled back") as began:
        stage.release(name, former)
        done = stage.settle(lambda: is_finished(stage, name, new) and _all_ready(stage, name))
        yield _claim(stage, name, "rolled back: every pod is of the release before", "the template that ran before",
                     _ages(stage, name, new), done and {pod.template for pod in stage.seen.pods(name)} == old, began)


def _apply(stage: Stage, body: Mapping[str, object], replicas: Mapping[str, int]) -> None:
    stage.apply(body)
    stage.expect(replicas)


def _without_canary(body: Mapping[str, object]) -> dict[str, object]:
    spec = body["spec"]
    assert isinstance(spec, Mapping)
    return {**body, "spec": {key: value for key, value in spec.items() if key != "canary"}}


def _taken_on(stage: Stage, name: str) -> ResourceView:
    """The service's object once its document says the canary's release, as ``gpuplane canary --write`` writes it."""
    entry = stage.wish.services[name]
    service = entry.document.spec
    assert service.running_canary is not None
    changed = service.model_copy(update={"release": service.running_canary.release, "canary": None})
    document = entry.document.model_copy(update={"spec": changed})
    wish = replace(stage.wish, services={**stage.wish.services, name: replace(entry, document=document)})
    views = render(wish, plan(wish, catalog_of(wish), stage.planned.as_of))
    return next(view for view in views if view.kind == "InferenceService" and f"{view.namespace}/{view.name}" == name)


def _ready(stage: Stage, name: str) -> set[str]:
    return {pod.uid for pod in stage.seen.pods(name) if pod.ready}


def _all_ready(stage: Stage, name: str) -> bool:
    return len(_ready(stage, name)) == stage.awake[name] == len(stage.seen.pods(name))


def _ages(stage: Stage, name: str, old: set[str]) -> str:
    left = sum(pod.template in old for pod in stage.seen.pods(name))
    return f"{len(stage.seen.pods(name)) - left} new, {left} old, {len(_ready(stage, name))} run"


def _claim(stage: Stage, name: str, claim: str, planned: str, observed: str, right: bool, began: float) -> Claim:
    took = f"; after {max(0.0, stage.seen.last_moment - began):.1f} s" if right else ""
    return Claim(NAME, name.partition("/")[0], name, claim, _PROOF, planned, observed + took, agrees(right))
