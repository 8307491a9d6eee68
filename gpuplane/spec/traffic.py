"""Who may call models, how much, how long, and what answers when a model cannot."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.gateway import narrow
from gpuplane.spec.model import Cidr, DnsLabel, OneOf, SpecModel

Period = Literal["minute", "hour", "day"]
PERIOD_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
_Amount = Annotated[int | None, Field(ge=1, le=4_294_967_295)]
CallerName = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9|@:/]{1,253}$")]


class Limit(OneOf):
    """A ceiling on requests or tokens, counted by Envoy's rate limit service for all proxies together.

    Tokens are known when a response ends: a request is admitted while something is left, and charged afterwards.
    """

    ONE_OF = ("requests", "input_tokens", "output_tokens", "total_tokens")

    requests: _Amount = None
    """Requests in each period."""
    input_tokens: _Amount = None
    """Tokens of prompts in each period."""
    output_tokens: _Amount = None
    """Tokens of answers in each period."""
    total_tokens: _Amount = None
    """Tokens of prompts and answers in each period."""
    per: Period
    """The period."""
    for_each: Literal["tenant", "caller"] = "tenant"
    """``tenant``: all callers share it; ``caller``: each has as much of its own."""

    @property
    def measure(self) -> str:
        """What is counted: the name of the one field that is set."""
        return next(name for name in self.ONE_OF if getattr(self, name) is not None)

    @property
    def amount(self) -> int:
        """How many of it."""
        return int(getattr(self, self.measure))


class ApiKeys(SpecModel):
    """Callers prove themselves by an API key, sent as ``Authorization: Bearer KEY``."""

    secret: DnsLabel
    """One of the tenant's ``secrets``: each key in it is a caller's name, each value that caller's API key."""


class Oidc(SpecModel):
    """Callers prove themselves by an identity provider's token (JWT), sent as ``Authorization: Bearer TOKEN``."""

    issuer: Annotated[str, Field(pattern=r"^https://[^\s@?#]+$", max_length=253)]
    """The ``iss`` that tokens must bear."""
    audiences: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(min_length=1, max_length=8)]
    """Of these, a token's ``aud`` must hold one."""
    jwks_uri: Annotated[str, Field(pattern=r"^https://[^\s@?#]+$", max_length=253)]
    """Where the issuer publishes its keys."""
    jwks_cidrs: Annotated[tuple[Cidr, ...], Field(min_length=1)]
    """Addresses behind that host, which the gateway's proxies may connect to."""
    caller_claim: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]+$", max_length=253)] = "sub"
    """Claim, a text, that names the caller."""

    @field_validator("jwks_cidrs")
    @classmethod
    def _narrow(cls, cidrs: tuple[str, ...]) -> tuple[str, ...]:
        return narrow(cidrs)


class ModelAccess(OneOf):
    """How callers outside the tenant's namespace reach its models; without it nobody does."""

    ONE_OF = ("api_keys", "oidc")

    api_keys: ApiKeys | None = None
    oidc: Oidc | None = None
    limits: Annotated[tuple[Limit, ...], Field(min_length=1, max_length=16)]
    """What all models of the tenant together may be asked for."""


class Retries(SpecModel):
    """Requests that are tried again where no answer has begun; a stream that has started is never repeated."""

    attempts: Annotated[int, Field(ge=0, le=5)] = 1
    """Further tries on the model itself."""
    budget_percent: Annotated[int, Field(ge=1, le=50)] = 20
    """Of the requests in flight, the share that may be retries: when much fails, little is repeated."""


class Fallback(OneOf):
    """What answers where the model does not: another service of the tenant, or a registered provider."""

    ONE_OF = ("service", "provider")

    service: DnsLabel | None = None
    """Another service of this tenant."""
    provider: DnsLabel | None = None
    """One of the gateway's ``providers``."""
    model: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._:/]*$", max_length=200)] = None
    """The provider's name of the model; with a provider, and only there."""
    secret: DnsLabel | None = None
    """One of the tenant's ``secrets`` with the provider's credentials: key ``apiKey``, or ``credentials`` (an AWS credentials
    file). Left out with an AWS provider, the proxies' own identity is used."""

    @model_validator(mode="after")
    def _together(self) -> Fallback:
        if self.provider is not None and self.model is None:
            raise PydanticCustomError("needed", "a provider needs the model that it is asked for", {"field": ("model",)})
        for name in ("model", "secret"):
            if self.service is not None and getattr(self, name) is not None:
                raise PydanticCustomError("not_here", "{name} is of a provider, not of a service", {"name": name, "field": (name,)})
        return self


class Traffic(SpecModel):
    """The service is on the gateway, on its tenant's host: language models under their name, others under a path."""

    model_name: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._:/]*$", max_length=200)] = None
    """What callers write as ``model``; left out, the service's name."""
    callers: tuple[CallerName, ...] = ()
    """Names of those who may call it; left out, every caller of the tenant."""
    limits: Annotated[tuple[Limit, ...], Field(max_length=16)] = ()
    """What this model may be asked for, besides the tenant's own limits."""
    stream_idle_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    """Longest wait for the first byte of an answer and between bytes of a stream; ``request_timeout_seconds`` bounds the whole."""
    queue_percent: Annotated[int, Field(ge=0, le=400)] = 50
    """Requests that may wait, as a share of those that all replicas work on at once; more are turned away with 503."""
    retries: Retries = Retries()
    fallback: Annotated[tuple[Fallback, ...], Field(max_length=4)] = ()
    """In this order, where the model does not answer."""
