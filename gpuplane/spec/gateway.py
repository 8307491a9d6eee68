"""The platform's gateway: the one way by which callers reach tenants' models."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.data_class import DataClass
from gpuplane.spec.model import Cidr, DnsLabel, SpecModel
from gpuplane.spec.platform_services import HelmInstall

TENANT_FIELD = "{tenant}"
MOST_LISTENERS = 64
"""Listeners that a Gateway can have (``gateway.networking.k8s.io/v1``, ``spec.listeners``)."""
_WIDEST_PREFIX = {4: 8, 6: 16}

ProviderApi = Literal["OpenAI", "AzureOpenAI", "AWSBedrock", "AWSAnthropic"]
"""Schemas that Envoy AI Gateway 1.1 translates an OpenAI chat request into, and that need no more than a key or an AWS identity."""


class EnvoyGateway(HelmInstall):
    """Envoy Gateway, which runs the gateway's proxies."""


class EnvoyAiGateway(HelmInstall):
    """Envoy AI Gateway, which routes by the model's name and counts tokens."""


class ModelProvider(SpecModel):
    """A model API outside the platform, registered with what it is approved for; services may fall back to it."""

    api: ProviderApi
    """What it speaks. Anthropic's models answer OpenAI chat requests through Bedrock: ``AWSAnthropic``."""
    hostname: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", max_length=253)]
    """Host of the API, or of a private endpoint to it; it is called by TLS on port 443."""
    region: Annotated[str, Field(pattern=r"^[a-z][-a-z0-9]{1,40}$")]
    """Where it processes what it is sent, in the words of tenants' ``allowed_regions``."""
    approved_for: DataClass
    """The most sensitive data that it may be sent."""
    processing_agreement: Annotated[str | None, Field(min_length=3, max_length=200)] = None
    """Where the data processing agreement is recorded; needed before personal data may be sent."""
    cidrs: Annotated[tuple[Cidr, ...], Field(min_length=1)]
    """Addresses behind the hostname: the gateway's proxies may connect to these, and to nothing else outside."""

    @field_validator("cidrs")
    @classmethod
    def _narrow(cls, cidrs: tuple[str, ...]) -> tuple[str, ...]:
        return narrow(cidrs)


class Gateway(SpecModel):
    """One Gateway with a listener for each tenant that has callers: TLS, authentication, limits and routing by model name."""

    envoy_gateway: EnvoyGateway
    envoy_ai_gateway: EnvoyAiGateway
    hostname_template: Annotated[str, Field(
        pattern=r"^\{tenant\}(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", max_length=200)]
    """Host of each tenant; ``{tenant}`` is its name, e.g. ``"{tenant}.llm.example.com"``."""
    certificate_secret: DnsLabel
    """Secret (``kubernetes.io/tls``) in the gateway's namespace, valid for every tenant's host."""
    rate_limit_redis: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?:[0-9]{1,5}$", max_length=260)]
    """``HOST:PORT`` of the Redis in which Envoy's rate limit service counts."""
    namespace: DnsLabel = "gateway-system"
    """Namespace of the Gateway and of its certificate; it is there already."""
    proxy_namespace: DnsLabel = "envoy-gateway-system"
    """Namespace in which Envoy Gateway runs, and runs the proxies; these alone may call models from outside a tenant."""
    providers: dict[DnsLabel, ModelProvider] = Field(default_factory=dict)
    """Register of outside model APIs, by the name that services fall back to."""

    def hostname(self, tenant: str) -> str:
        """Host that a tenant's models answer on."""
        return self.hostname_template.replace(TENANT_FIELD, tenant)


def narrow(cidrs: tuple[str, ...]) -> tuple[str, ...]:
    """Networks that are networks, and not the internet in disguise.

    Raises:
        PydanticCustomError: an address has host bits, or a prefix is shorter than /8 (IPv6: /16).
    """
    for cidr in cidrs:
        try:
            network = ipaddress.ip_network(cidr)
        except ValueError as error:
            raise PydanticCustomError("cidr", "{reason}", {"reason": str(error)}) from None
        if network.prefixlen < _WIDEST_PREFIX[network.version]:
            raise PydanticCustomError("cidr", "{cidr} is as good as everywhere: name the addresses that are meant", {"cidr": cidr})
    return cidrs
