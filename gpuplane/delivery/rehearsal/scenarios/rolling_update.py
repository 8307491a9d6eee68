"""A new release of every service at once, with all of them at their maximum: does it come to its end?"""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.rehearsal.claim import Claim, agrees
from gpuplane.delivery.rehearsal.scenarios.levels import reach
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.rolling import Strategy, finished_rollouts

NAME = "rolling update"
NEW = 1
"""Number of the release that it brings."""
_PROOF = "the Deployment controller's steps over Kueue's admission, surge and max_unavailable as rendered"


def rolling_update(stage: Stage) -> Iterator[Claim]:
    """Every service gets a new pod template under the full quota."""
    reach(stage, stage.maximum)
    rolled = {name: stage.strategy(name) for name in stage.services if stage.maximum[name] and stage.service_view(name) is not None}
    expected = finished_rollouts(stage.courses, stage.replicas, rolled)
    old = {name: {pod.template for pod in stage.seen.pods(name)} for name in rolled}
    with stage.step(NAME, f"a new release of {len(rolled)} services at their maximum") as began:
        former = {name: _generation(stage, name) for name in rolled}
        for name in rolled:
            stage.release(name, NEW)
        stage.settle(lambda: all(_generation(stage, name) > former[name] for name in rolled) and _as_planned(stage, old, expected))
        for name in rolled:
            yield _claim(stage, name, rolled[name], old[name], expected, began)


def _generation(stage: Stage, service: str) -> int:
    """Of the Deployment's spec: it grows when KServe has written the new template."""
    found = stage.seen.deployment(service)
    return found.generation if found is not None and found.observed else -1


def _as_planned(stage: Stage, old: dict[str, set[str]], expected: object) -> bool:
    if not isinstance(expected, dict) or stage.seen.leaving():
        return False
    return all(says is None or says == is_finished(stage, name, old[name]) for name, says in expected.items()) and all(
        pod.ready for name, says in expected.items() if says for pod in stage.seen.pods(name) if pod.admitted and pod.node)


def is_finished(stage: Stage, service: str, old: set[str]) -> bool:
    """Whether pods of another template are there, and none of the old."""
    pods = stage.seen.pods(service)
    return bool(pods) and not any(pod.template in old for pod in pods)


def _claim(stage: Stage, name: str, strategy: Strategy, old: set[str], expected: object, began: float) -> Claim:
    pods = stage.seen.pods(name)
    new = [pod for pod in pods if pod.template not in old]
    finished, tenant = is_finished(stage, name, old), name.partition("/")[0]
    observed = f"{len(new)} of {stage.maximum[name]} pods are new, {sum(pod.ready for pod in new)} of them run"
    observed += f", {len(pods) - len(new)} old stay" if not finished else f"; after {stage.seen.last_of(name) - began:.1f} s"
    claim, rule = "the update comes to its end", f"max_surge {strategy.max_surge}, max_unavailable {strategy.max_unavailable}"
    if isinstance(expected, NotKnown) or not stage.has_kueue:
        why = expected.why if isinstance(expected, NotKnown) else "no Kueue here"
        return Claim(NAME, tenant, name, claim, _PROOF, "not known", observed, "not rehearsed", why)
    assert isinstance(expected, dict)
    says = expected[name]
    words = {True: f"it does ({rule})", False: f"it waits for quota for ever ({rule})", None: f"the clock decides ({rule})"}[says]
    return Claim(NAME, tenant, name, claim, _PROOF, words, observed, agrees(says is None or says == finished))
