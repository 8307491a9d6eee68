"""The gateway, and services on it, as their components take them."""

from __future__ import annotations

from typing import Any

import pulumi

from gpuplane.catalog.runtimes import server_of
from gpuplane.components.envoy_gateway import EnvoyGateway, EnvoyGatewayArgs
from gpuplane.components.gateway import Gateway, GatewayArgs, ListenerArgs, OutsideArgs, proxy_labels
from gpuplane.components.model_backend import ModelBackend, ModelBackendArgs, ProviderArgs
from gpuplane.components.model_route import BackendArgs, ModelRoute, ModelRouteArgs
from gpuplane.components.rate_limit_redis import RateLimitRedis, RateLimitRedisArgs
from gpuplane.components.route_policies import AuthenticationArgs, LimitArgs, ProtectionArgs
from gpuplane.components.tenant_network import TenantNetworkArgs
from gpuplane.planning.canaries import canary_name
from gpuplane.planning.traffic import most_in_flight
from gpuplane.spec import gateway as wish
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.kserve_names import (
    LLM_PORT,
    PICKER_METRICS_PORT,
    PICKER_PORT,
    PROXY_PORT,
    backend_service,
    inference_pool,
    picker_proxy,
    routed_pool,
)
from gpuplane.spec.platform_services import HelmInstall
from gpuplane.spec.tenant import TenantSpec
from gpuplane.spec.traffic import Fallback, Limit, Traffic
from gpuplane.spec.traffic_references import model_name, speaks_openai

POD_IDENTITY_AGENT = OutsideArgs("pod-identity", ("169.254.170.23/32",), 80)
"""EKS Pod Identity Agent, from which the proxies get the AWS identity that they sign requests with (Amazon EKS user guide)."""


def register_gateway(spec: EnvironmentSpec, options: pulumi.ResourceOptions, open_options: pulumi.ResourceOptions) -> None:
    """Register the releases that are not there already, and the Gateway once a tenant has callers."""
    gateway = spec.environment.spec.gateway
    if gateway is None:
        return
    installed: list[pulumi.Resource] = []
    versions = _installed(gateway.envoy_gateway), _installed(gateway.envoy_ai_gateway)
    if any(versions):
        installed.append(EnvoyGateway("envoy-gateway", EnvoyGatewayArgs(
            *versions, gateway.proxy_namespace, gateway.redis_address, _routes_to_pools(spec), gateway.envoy_gateway.values,
            gateway.envoy_ai_gateway.values), options))
    if gateway.redis is not None:
        RateLimitRedis("rate-limit-redis", RateLimitRedisArgs(gateway.proxy_namespace, gateway.redis.image, gateway.redis.memory_mib),
                       pulumi.ResourceOptions.merge(open_options, pulumi.ResourceOptions(depends_on=installed)))
    listeners = tuple(ListenerArgs(name, gateway.hostname(name), _limits(tenant.spec.access.models.limits))
                      for name, tenant in spec.tenants.items() if tenant.spec.access.models is not None)
    if listeners:
        Gateway("gateway", GatewayArgs(
            gateway.namespace, gateway.proxy_namespace, gateway.certificate_secret, listeners, _serving_ports(spec),
            _outside(spec, gateway), spec.environment.spec.dns_cidr, *_issuer(gateway)),
            pulumi.ResourceOptions.merge(open_options, pulumi.ResourceOptions(depends_on=installed)))


def _issuer(gateway: wish.Gateway) -> tuple[str, str | None]:
    return ("ClusterIssuer", None) if gateway.certificate is None else (gateway.certificate.issuer_kind, gateway.certificate.issuer)


def _routes_to_pools(spec: EnvironmentSpec) -> bool:
    return any(entry.document.spec.traffic is not None and routed_pool(entry) is not None for entry in spec.services.values())


def _serving_ports(spec: EnvironmentSpec) -> tuple[int, ...]:
    """Ports that the gateway needs: those of model servers, and of endpoint pickers."""
    return tuple(sorted({port for entry in spec.services.values() for port in ports(spec, entry)}))


def ports(spec: EnvironmentSpec, entry: ServiceEntry) -> tuple[int, ...]:
    """Ports of a service that the gateway's proxies call."""
    if isinstance(entry.document, InferenceService):
        return (server_of(spec, entry.document.spec.release).row.port,)
    if picker_proxy(entry) is not None:
        return (PROXY_PORT,)
    return (LLM_PORT,) if inference_pool(entry) is None else (LLM_PORT, PICKER_PORT)


def register_traffic(spec: EnvironmentSpec, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register a service's route, and what routes send requests to: itself where one names it, and its providers."""
    service, gateway = entry.document.spec, spec.environment.spec.gateway
    if gateway is None:
        return
    routed = service.traffic is not None and routed_pool(entry) is None
    if speaks_openai(service) and (routed or entry.document.name in _answering(spec, entry.tenant)):
        for name, _ in _shares(entry):
            host, port = backend_service(entry, name)
            ModelBackend(f"{entry.tenant}-{name}", ModelBackendArgs(name, entry.tenant, service=host, port=port), options)
    if service.traffic is None:
        return
    for fallback in service.traffic.fallback:
        if fallback.provider is not None:
            name = _backend_name(entry, fallback)
            ModelBackend(f"{entry.tenant}-{name}", ModelBackendArgs(
                name, entry.tenant, provider=_provider(gateway.providers[fallback.provider], fallback)), options)
    ModelRoute(f"{entry.tenant}-{entry.document.name}", _route(spec, entry, service.traffic, gateway), options)


def gateway_peer(spec: EnvironmentSpec, name: str) -> dict[str, Any]:
    """Who may call a tenant's models from outside: the gateway's proxies, where it has callers."""
    gateway, llm = spec.environment.spec.gateway, [entry for entry in spec.services_of(name)
                                                   if not isinstance(entry.document, InferenceService)]
    # KServe's templates answer on a port of their own, and have their metrics there.
    pickers = (PICKER_METRICS_PORT,) if any(inference_pool(entry) is not None for entry in llm) else ()
    found: dict[str, Any] = {"metrics_ports": (*TenantNetworkArgs.metrics_ports, LLM_PORT, *pickers)} if llm else {}
    if gateway is None or spec.tenants[name].spec.access.models is None:
        return found
    called = {port for entry in llm for port in ports(spec, entry)}
    return found | {"gateway_namespace": gateway.proxy_namespace, "gateway_labels": proxy_labels(gateway.namespace),
                    "serving_ports": (*TenantNetworkArgs.serving_ports, *sorted(called))}


def _installed(wanted: HelmInstall) -> str | None:
    return wanted.version if wanted.install == "release" else None


def _answering(spec: EnvironmentSpec, tenant: str) -> set[str]:
    """Services of a tenant that others fall back to."""
    return {fallback.service for entry in spec.services_of(tenant) if entry.document.spec.traffic is not None
            for fallback in entry.document.spec.traffic.fallback if fallback.service is not None}


def _limits(limits: tuple[Limit, ...]) -> tuple[LimitArgs, ...]:
    return tuple(LimitArgs(limit.measure, limit.amount, limit.per, limit.for_each == "caller") for limit in limits)


def _outside(spec: EnvironmentSpec, gateway: wish.Gateway) -> tuple[OutsideArgs, ...]:
    """Providers that somebody falls back to, issuers' keys, and the agent that gives the proxies their AWS identity."""
    used = [fallback for entry in spec.services.values() if entry.document.spec.traffic is not None
            for fallback in entry.document.spec.traffic.fallback if fallback.provider is not None]
    found = [OutsideArgs(name, gateway.providers[name].cidrs) for name in sorted({str(fallback.provider) for fallback in used})]
    for name, tenant in spec.tenants.items():
        models = tenant.spec.access.models
        if models is not None and models.oidc is not None:
            found.append(OutsideArgs(f"issuer-of-{name}", models.oidc.jwks_cidrs))
    if any(fallback.secret is None for fallback in used):
        found.append(POD_IDENTITY_AGENT)
    return tuple(found)


def _provider(provider: wish.ModelProvider, fallback: Fallback) -> ProviderArgs:
    return ProviderArgs(provider.api, provider.hostname, provider.region, provider.approved_for,
                        provider.processing_agreement or "", fallback.secret)


def _backend_name(entry: ServiceEntry, fallback: Fallback) -> str:
    return fallback.service or f"{entry.document.name}--{fallback.provider}"


def _shares(entry: ServiceEntry) -> tuple[tuple[str, int], ...]:
    """The service and its canary, with the weights by which they share requests."""
    name, canary = entry.document.name, entry.document.spec.running_canary
    if canary is None:
        return ((name, 1),)
    return (name, 100 - canary.traffic_percent), (canary_name(name, canary), canary.traffic_percent)


def _route(spec: EnvironmentSpec, entry: ServiceEntry, traffic: Traffic, gateway: wish.Gateway) -> ModelRouteArgs:
    by_name, name = speaks_openai(entry.document.spec), entry.document.name
    pool = routed_pool(entry)
    backends = (BackendArgs(pool, name, is_pool=True),) if pool is not None else (
        *(BackendArgs(each, name, 0, weight) for each, weight in _shares(entry)),
        *(BackendArgs(_backend_name(entry, fallback), fallback.service or str(fallback.model), priority)
          for priority, fallback in enumerate(traffic.fallback, 1)))
    return ModelRouteArgs(
        name=name, namespace=entry.tenant, hostname=gateway.hostname(entry.tenant), gateway_namespace=gateway.namespace,
        model_name=model_name(entry) if by_name else None, backends=backends if by_name else (),
        request_seconds=entry.document.spec.request_timeout_seconds, stream_idle_seconds=traffic.stream_idle_seconds,
        authentication=_authentication(spec.tenants[entry.tenant].spec), callers=traffic.callers,
        protection=ProtectionArgs(
            limits=_limits(traffic.limits), attempts=traffic.retries.attempts, retry_budget_percent=traffic.retries.budget_percent,
            most_in_flight=most_in_flight(entry), fallbacks=len(traffic.fallback),
            stream_idle_seconds=None if by_name else traffic.stream_idle_seconds),
        source=entry.place.relative, services=() if by_name else _shares(entry))


def _authentication(tenant: TenantSpec) -> AuthenticationArgs:
    models = tenant.access.models
    assert models is not None  # a service on the gateway is refused without it
    if models.api_keys is not None:
        secret = next(secret for secret in tenant.secrets if secret.name == models.api_keys.secret)
        return AuthenticationArgs(api_key_secret=secret.name, api_key_callers=tuple(sorted(secret.data)))
    assert models.oidc is not None  # ONE_OF
    oidc = models.oidc
    return AuthenticationArgs(issuer=oidc.issuer, audiences=oidc.audiences, jwks_uri=oidc.jwks_uri, caller_claim=oidc.caller_claim)
