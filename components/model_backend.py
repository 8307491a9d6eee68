"""What a route can send requests to: a service of the tenant, or a provider outside the platform with its credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.kserve_names import PREDICTOR_PORT
from gpuplane.spec.vocabulary import AI_GATEWAY, APPROVED_FOR, ENVOY_GATEWAY, GATEWAY_API, PROCESSING_AGREEMENT, PROVIDER_REGION

_KEYS = {"OpenAI": ("APIKey", "apiKey"), "AzureOpenAI": ("AzureAPIKey", "azureAPIKey")}


@dataclass(frozen=True)
class ProviderArgs:
    """A provider outside the platform.

    Attributes:
        api: ``OpenAI``, ``AzureOpenAI``, ``AWSBedrock`` or ``AWSAnthropic``.
        hostname: called by TLS on port 443.
        region: where it processes what it is sent; for AWS, what requests are signed for.
        approved_for: the most sensitive data class that it may be sent.
        processing_agreement: where that is recorded; empty for nowhere.
        secret: Secret with the credentials; None for the AWS identity of the proxies.
    """

    api: str
    hostname: str
    region: str
    approved_for: str
    processing_agreement: str = ""
    secret: str | None = None


@dataclass(frozen=True)
class ModelBackendArgs:
    """One backend.

    Attributes:
        name, namespace: of its objects.
        service, port: Service of that namespace which leads to what answers; where it is None, ``provider`` does.
        provider: what answers outside.
    """

    name: str
    namespace: str
    service: str | None = None
    provider: ProviderArgs | None = None
    port: int = PREDICTOR_PORT


class ModelBackend(pulumi.ComponentResource):
    """Backend and AIServiceBackend; for a provider, TLS and credentials too."""

    def __init__(self, name: str, args: ModelBackendArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:ModelBackend", name, {"name": args.name, "namespace": args.namespace}, opts)
        for manifest in manifests(args):
            KubernetesObject(f"{args.namespace}-{args.name}", manifest, child_options(self, opts))
        self.register_outputs({"name": args.name})


def manifests(args: ModelBackendArgs) -> list[Manifest]:
    """Its objects, as their APIs take them."""
    provider = args.provider
    if provider is None:
        return [_backend(args, f"{args.service}.{args.namespace}.svc.cluster.local", args.port), _ai_backend(args, "OpenAI")]
    return [_backend(args, provider.hostname, 443), _tls(args, provider), _ai_backend(args, provider.api), _credentials(args, provider)]


def _metadata(args: ModelBackendArgs) -> dict[str, Any]:
    provider = args.provider
    said = {} if provider is None else {PROVIDER_REGION: provider.region, APPROVED_FOR: provider.approved_for,
                                        PROCESSING_AGREEMENT: provider.processing_agreement}
    return metadata(args.name, args.namespace, annotations={key: value for key, value in said.items() if value})


def _backend(args: ModelBackendArgs, host: str, port: int) -> Manifest:
    return {"apiVersion": ENVOY_GATEWAY, "kind": "Backend", "metadata": _metadata(args),
            "spec": {"endpoints": [{"fqdn": {"hostname": host, "port": port}}]}}


def _ai_backend(args: ModelBackendArgs, api: str) -> Manifest:
    return {"apiVersion": AI_GATEWAY, "kind": "AIServiceBackend", "metadata": _metadata(args), "spec": {
        "schema": {"name": api}, "backendRef": {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": args.name}}}


def _tls(args: ModelBackendArgs, provider: ProviderArgs) -> Manifest:
    return {"apiVersion": GATEWAY_API, "kind": "BackendTLSPolicy", "metadata": metadata(args.name, args.namespace), "spec": {
        "targetRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": args.name}],
        "validation": {"wellKnownCACertificates": "System", "hostname": provider.hostname}}}


def _credentials(args: ModelBackendArgs, provider: ProviderArgs) -> Manifest:
    reference = {"secretRef": {"group": "", "kind": "Secret", "name": provider.secret}}
    kind, field = _KEYS.get(provider.api, ("AWSCredentials", "awsCredentials"))
    value: dict[str, Any] = reference
    if kind == "AWSCredentials":
        value = {"region": provider.region, **({"credentialsFile": reference} if provider.secret is not None else {})}
    return {"apiVersion": AI_GATEWAY, "kind": "BackendSecurityPolicy", "metadata": metadata(args.name, args.namespace), "spec": {
        "targetRefs": [{"group": "aigateway.envoyproxy.io", "kind": "AIServiceBackend", "name": args.name}],
        "type": kind, field: value}}
