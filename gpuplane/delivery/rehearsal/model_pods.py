"""By what a rehearsal knows what KServe makes of a service: the labels of its pods, and the objects that ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.kserve_names import llm_role_labels
from gpuplane.spec.llm_inference_service import PREFILL

MARK = "gpuplane.dev/rehearsed-release"
"""Annotation of pods that stands for a new release: it changes their template and nothing else."""
_APP, _PREFIX, _PREDICTOR = "app", "isvc.", "-predictor"
_NAME = "app.kubernetes.io/name"


def service_of(namespace: str, labels: Mapping[str, str]) -> str | None:
    """``tenant/service`` of pods with these labels, as the plan has it; None where they serve no model.

    Pods that read prompts are a service of their own, as are those of a canary. A replica of several pods is none that is known here.
    """
    app, name = labels.get(_APP, ""), labels.get(_NAME, "")
    if app.startswith(_PREFIX) and app.endswith(_PREDICTOR):
        return f"{namespace}/{app.removeprefix(_PREFIX).removesuffix(_PREDICTOR)}"
    for prefill, end in ((False, ""), (True, f"-{PREFILL}")):
        if name and labels.items() >= llm_role_labels(name, prefill).items():
            return f"{namespace}/{name}{end}"
    return None


def spans_pods(view: ResourceView) -> bool:
    """Whether replicas of it are several pods: LeaderWorkerSets, which are admitted in groups."""
    return view.kind == "LLMInferenceService" and any(view.get("spec", *role, "worker") for role in ((), ("prefill",)))


def deployments_of(view: ResourceView) -> dict[str, int]:
    """Services that KServe makes Deployments for where it finds this object; the replicas that an autoscaler would keep, one at least."""
    name = f"{view.namespace}/{view.name}"
    if view.kind == "InferenceService":
        return {name: max(1, int(view.get("spec", "predictor", "minReplicas") or 0))}
    roles = {name: view.get("spec"), f"{name}-{PREFILL}": view.get("spec", "prefill")} if view.kind == "LLMInferenceService" else {}
    return {role: max(1, int(said.get("replicas", 1))) for role, said in roles.items() if said}


def released(view: ResourceView, number: int, prefill: bool = False) -> dict[str, Any]:
    """What to merge into the ``spec`` of what serves, so that its pods are made anew; 0 gives back what the documents say.

    KServe hands no annotation of ours on to the pods of an LLMInferenceService: they may take a second longer to leave.

    Args:
        prefill: the pods that read prompts.
    """
    if view.kind == "InferenceService":
        return {"predictor": {"annotations": {MARK: str(number) if number else None}}}
    role = ("prefill",) if prefill else ()
    seconds = int(view.get("spec", *role, "template", "terminationGracePeriodSeconds") or 0)
    template = {"template": {"terminationGracePeriodSeconds": seconds + number}}
    return {"prefill": template} if prefill else template
