"""OpenTelemetry traces of requests, sent to a collector in the cluster."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from gpuplane.spec.model import DnsLabel, SpecModel, decimal_of

Port = Annotated[int, Field(ge=1, le=65535)]
Sampling = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(gt=0, le=100, decimal_places=4), PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100})]


class Tracing(SpecModel):
    """Where model servers send spans; present, every service is traced whose engine can be.

    Spans bear timings, token counts and sampling parameters, never prompts, answers or tensors: neither vLLM nor Triton's OpenTelemetry
    mode can put them there, and there is no field that could ask for it. Payloads are the service's ``logging``, refused for personal data.
    """

    namespace: DnsLabel
    """Namespace of the collector; tenants' pods may reach its two ports and nothing else there."""
    service: DnsLabel = "otel-collector"
    """Kubernetes Service of the collector."""
    grpc_port: Port = 4317
    """Port for OTLP over gRPC (vLLM)."""
    http_port: Port = 4318
    """Port for OTLP over HTTP (Triton)."""
    sampling_percent: Sampling = Decimal(1)
    """Of 100 requests without a trace of their own, how many begin one; a caller's decision is followed."""
