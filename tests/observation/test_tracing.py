"""Traces: the engines' arguments, sampling, the way to the collector, and what is never sent."""

from __future__ import annotations

from typing import Any

from gpuplane.graph.resource_view import ResourceView
from tests.components.recorded import one
from tests.observation.test_rules import views_of
from tests.planning.wish import Wish, valid

CHAT = "services/acme/chat"


def traced(**tracing: Any) -> Wish:
    return valid().put("environment spec.tracing", {"namespace": "observability", **tracing}).put(f"{CHAT} spec.release.vllm.version", "0.30.0")


def model_of(views: list[ResourceView], name: str = "chat") -> dict[str, Any]:
    model: dict[str, Any] = one(views, "InferenceService", name).props["spec"]["predictor"]["model"]
    return model


def triton(wish: Wish) -> Wish:
    release = {"model": {"uri": "hf://Qwen/resnet", "revision": "a" * 40, "format": "onnx"},
               "triton": {"image": "docker.io/vllm/tritonserver@sha256:" + "b" * 64, "version": "26.07"}}
    return wish.put(f"{CHAT} spec.release", release)


def test_vllm_is_told_where_and_how_many() -> None:
    model = model_of(views_of(traced(service="otel", sampling_percent=2.5).spec()))

    assert "--otlp-traces-endpoint=http://otel.observability.svc:4317" in model["args"]
    assert {one["name"]: one["value"] for one in model["env"]} == {
        "OTEL_RESOURCE_ATTRIBUTES": "service.namespace=acme,service.instance.id=chat",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.025"}


def test_triton_is_told_by_its_own_settings() -> None:
    model = model_of(views_of(triton(traced()).spec()))

    assert [argument for argument in model["args"] if "trace" in argument] == [
        "--trace-config=mode=opentelemetry", "--trace-config=level=TIMESTAMPS", "--trace-config=rate=100",
        "--trace-config=opentelemetry,url=http://otel-collector.observability.svc:4318/v1/traces"]


def test_triton_computes_percentiles_where_somebody_watches() -> None:
    arguments = model_of(views_of(triton(valid().put("environment spec.monitoring", {})).spec()))["args"]

    assert "--metrics-config=summary_latencies=true" in arguments


def test_nothing_is_told_without_a_collector() -> None:
    model = model_of(views_of(valid().spec()))

    assert "env" not in model
    assert not [argument for argument in model.get("args", ()) if "trac" in argument]


def test_an_engine_that_would_not_start_is_left_alone_and_said() -> None:
    wish = traced().put(f"{CHAT} spec.release.vllm.version", "0.16.0")

    assert not [argument for argument in model_of(views_of(wish.spec())).get("args", ()) if "otlp" in argument]
    assert "acme/chat sends no traces: the image of vllm 0.16.0 can not, and would not start if it were told to." in wish.plan().notes


def test_no_span_can_bear_a_payload() -> None:
    """Tensors are a level of Triton's other mode; vLLM has no switch for prompts in spans."""
    for wish in (traced(), triton(traced())):
        text = str(model_of(views_of(wish.spec())))
        assert "TENSORS" not in text
        assert "detailed-traces" not in text


def test_every_tenant_reaches_the_collectors_ports_and_no_more() -> None:
    policy = next(view for view in views_of(traced(grpc_port=14317).spec())
                  if view.kind == "NetworkPolicy" and view.name == "egress-platform.traces" and view.namespace == "acme")

    assert policy.props["spec"]["egress"] == [{
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}],
        "ports": [{"port": 4318, "protocol": "TCP"}, {"port": 14317, "protocol": "TCP"}]}]
