"""What KServe makes of a service is known by its labels, and gets another release without another change."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.delivery.rehearsal.model_pods import deployments_of, released, service_of, spans_pods
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.kserve_names import llm_role_labels


def _view(kind: str, **spec: Any) -> ResourceView:
    return ResourceView("urn", kind=kind, namespace="acme", name="chat", props={"kind": kind, "spec": spec})


@pytest.mark.parametrize(("labels", "service"), [
    ({"app": "isvc.chat-predictor"}, "acme/chat"),
    ({"app": "isvc.chat-predictor", "pod-template-hash": "1"}, "acme/chat"),
    ({"app": "isvc.chat-transformer"}, None),
    ({"app": "chat"}, None),
    ({}, None),
    (llm_role_labels("chat", prefill=False), "acme/chat"),
    (llm_role_labels("chat", prefill=True), "acme/chat-prefill"),
    ({**llm_role_labels("chat", prefill=False), "app.kubernetes.io/component": "llminferenceservice-router-scheduler"}, None),
    ({"app.kubernetes.io/name": "chat"}, None),
])
def test_pods_are_known_by_their_labels(labels: dict[str, str], service: str | None) -> None:
    assert service_of("acme", labels) == service


def test_an_autoscaler_would_keep_one_at_least() -> None:
    assert deployments_of(_view("InferenceService", predictor={"minReplicas": 0})) == {"acme/chat": 1}
    assert deployments_of(_view("InferenceService", predictor={"minReplicas": 3})) == {"acme/chat": 3}
    assert deployments_of(_view("LLMInferenceService", template={})) == {"acme/chat": 1}
    assert deployments_of(_view("LLMInferenceService", replicas=2, prefill={"replicas": 3})) == {"acme/chat": 2, "acme/chat-prefill": 3}


def test_a_group_of_pods_in_either_role_is_seen() -> None:
    assert spans_pods(_view("LLMInferenceService", worker={"containers": []}))
    assert spans_pods(_view("LLMInferenceService", prefill={"worker": {"containers": []}}))
    assert not spans_pods(_view("LLMInferenceService", prefill={"replicas": 1}))
    assert not spans_pods(_view("InferenceService", predictor={}))


def test_a_release_is_taken_back_by_its_number_alone() -> None:
    plain = _view("InferenceService", predictor={})
    assert released(plain, 2) == {"predictor": {"annotations": {"gpuplane.dev/rehearsed-release": "2"}}}
    assert released(plain, 0) == {"predictor": {"annotations": {"gpuplane.dev/rehearsed-release": None}}}

    split = _view("LLMInferenceService", template={"terminationGracePeriodSeconds": 330}, prefill={
        "template": {"terminationGracePeriodSeconds": 60}})
    assert released(split, 1) == {"template": {"terminationGracePeriodSeconds": 331}}
    assert released(split, 0) == {"template": {"terminationGracePeriodSeconds": 330}}
    assert released(split, 1, prefill=True) == {"prefill": {"template": {"terminationGracePeriodSeconds": 61}}}
