"""What engines are told so that they can be watched: where spans go, and metrics that are off by default."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from gpuplane.catalog.metrics import can_be_traced
from gpuplane.components.tenant_network import EgressArgs
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.tracing import Tracing


def observed_arguments(spec: EnvironmentSpec, entry: ServiceEntry) -> tuple[str, ...]:
    """Command-line arguments beside those of the release.

    Triton computes percentiles of latency only on demand (``--metrics-config``), and takes the rate of traces as one in so many.
    """
    engine, tracing = entry.document.spec.release.engine[0], _tracing(spec, entry)
    found = []
    if engine == "triton" and spec.environment.spec.monitoring is not None:
        found.append("--metrics-config=summary_latencies=true")
    if engine == "triton" and tracing is not None:
        one_in = (100 / tracing.sampling_percent).to_integral_value(ROUND_HALF_UP)
        url = f"opentelemetry,url=http://{_host(tracing)}:{tracing.http_port}/v1/traces"
        found += [f"--trace-config={setting}" for setting in ("mode=opentelemetry", "level=TIMESTAMPS", f"rate={one_in}", url)]
    if engine == "vllm" and tracing is not None:
        found.append(f"--otlp-traces-endpoint=http://{_host(tracing)}:{tracing.grpc_port}")
    return tuple(found)


def traced_environment(spec: EnvironmentSpec, entry: ServiceEntry) -> dict[str, str]:
    """Variables of the OpenTelemetry SDK: which requests are sampled, and whose spans they are (vLLM; Triton samples by its arguments)."""
    tracing = _tracing(spec, entry)
    if tracing is None:
        return {}
    who = {"OTEL_RESOURCE_ATTRIBUTES": f"service.namespace={entry.tenant},service.instance.id={entry.document.name}"}
    if entry.document.spec.release.engine[0] != "vllm":
        return who
    ratio = f"{(tracing.sampling_percent / Decimal(100)).normalize():f}"
    return who | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}


def collector_egress(spec: EnvironmentSpec) -> tuple[EgressArgs, ...]:
    """The way from every tenant to the collector, and to nothing else of its namespace's ports."""
    tracing = spec.environment.spec.tracing
    if tracing is None:
        return ()
    # The dot keeps it apart from every rule of a tenant: those are DNS labels.
    return (EgressArgs("platform.traces", (tracing.grpc_port, tracing.http_port), namespace=tracing.namespace),)


def _tracing(spec: EnvironmentSpec, entry: ServiceEntry) -> Tracing | None:
    return spec.environment.spec.tracing if can_be_traced(*entry.document.spec.release.engine) else None


def _host(tracing: Tracing) -> str:
    return f"{tracing.service}.{tracing.namespace}.svc"
