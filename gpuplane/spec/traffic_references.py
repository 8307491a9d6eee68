"""What documents say about traffic of each other: keys, callers, model names and fallbacks that must exist and fit."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.spec.environment_spec import Place, ServiceEntry
from gpuplane.spec.errors import SpecError, choices
from gpuplane.spec.gateway import MOST_LISTENERS, Gateway
from gpuplane.spec.inference_service import ServedModelSpec
from gpuplane.spec.kserve_names import answers_by_service
from gpuplane.spec.references import Documents
from gpuplane.spec.tenant import Tenant, TenantSpec
from gpuplane.spec.traffic import Fallback, Limit, ModelAccess

CREDENTIAL_KEYS = {"OpenAI": "apiKey", "AzureOpenAI": "apiKey", "AWSBedrock": "credentials", "AWSAnthropic": "credentials"}
"""Key of the Secret that Envoy AI Gateway reads a provider's credentials from (BackendSecurityPolicy v1beta1)."""


def speaks_openai(service: ServedModelSpec) -> bool:
    """Whether the engine answers the OpenAI API, so that requests carry a model's name and answers their tokens."""
    return service.release.vllm is not None


def generates(service: ServedModelSpec) -> bool:
    """Whether it writes text, rather than embeddings."""
    return service.release.vllm is not None and service.release.vllm.arguments.runner != "pooling"


def model_name(entry: ServiceEntry) -> str:
    """What callers write as ``model``."""
    traffic = entry.document.spec.traffic
    return (traffic.model_name if traffic is not None else None) or entry.document.name


def check_traffic(documents: Documents) -> list[SpecError]:
    """Every dangling or impossible reference of the traffic blocks."""
    if documents.environment is None:
        return []
    gateway = documents.environment.spec.gateway
    return [*_listeners(documents, gateway),
            *(error for name, tenant in documents.tenants.items()
              for error in _access(tenant, documents.places[("Tenant", name)], gateway)),
            *(error for entry in documents.services.values() for error in _service(documents, entry, gateway)),
            *_names(documents)]


def _error(place: Place, path: str, message: str, remedy: str) -> SpecError:
    return SpecError(place.file, place.line(path), path, message, remedy)


def _listeners(documents: Documents, gateway: Gateway | None) -> Iterator[SpecError]:
    wanted = [name for name, tenant in documents.tenants.items() if tenant.spec.access.models is not None]
    if documents.environment is not None and gateway is not None and gateway.certificate is not None and (
            documents.environment.spec.cert_manager is None):
        yield _error(documents.places[("Environment", documents.environment.name)], "spec.gateway.certificate",
                     "the environment has no cert-manager, which is what makes certificates.",
                     "Add cert_manager, or bring the Secret yourself and remove certificate.")
    if documents.environment is not None and gateway is not None and len(wanted) > MOST_LISTENERS:
        yield _error(documents.places[("Environment", documents.environment.name)], "spec.gateway",
                     f"{len(wanted)} tenants have access.models, and a Gateway has at most {MOST_LISTENERS} listeners.",
                     "Spread the tenants over two environments.")


def _access(tenant: Tenant, place: Place, gateway: Gateway | None) -> Iterator[SpecError]:
    access = tenant.spec.access.models
    if access is None:
        return
    if gateway is None:
        yield _error(place, "spec.access.models", "the environment has no gateway for callers to come through.",
                     "Add gateway to environment.yaml, or remove models.")
    if access.api_keys is not None and access.api_keys.secret not in _secrets(tenant.spec):
        yield _error(place, "spec.access.models.api_keys.secret",
                     f'the tenant has no secret "{access.api_keys.secret}"; it has: {choices(_secrets(tenant.spec))}.',
                     "Add it to secrets, or correct the name.")


def _secrets(tenant: TenantSpec) -> dict[str, set[str]]:
    """Keys of the tenant's Secrets, by their names."""
    return {secret.name: set(secret.data) for secret in tenant.secrets}


def _service(documents: Documents, entry: ServiceEntry, gateway: Gateway | None) -> Iterator[SpecError]:
    traffic, tenant = entry.document.spec.traffic, documents.tenants.get(entry.tenant)
    if traffic is None or tenant is None:
        return
    access = tenant.spec.access.models
    if access is None:
        yield _error(entry.place, "spec.traffic", "a route without authentication: the tenant does not say who may call its models.",
                     f"Add access.models to tenants/{entry.tenant}.yaml, or remove traffic.")
    else:
        yield from _callers(entry, tenant.spec, access)
    vllm = entry.document.spec.release.vllm
    if "queue_percent" in traffic.model_fields_set and (vllm is None or vllm.arguments.max_num_seqs is None):
        yield _error(entry.place, "spec.traffic.queue_percent", "how many requests a replica works on at once is not declared.",
                     "Set vLLM's max_num_seqs, or remove queue_percent.")
    if not speaks_openai(entry.document.spec):
        yield from _without_names(entry)
    for index, fallback in enumerate(traffic.fallback):
        path = f"spec.traffic.fallback[{index}]"
        if (fallback.service, fallback.provider) in [(other.service, other.provider) for other in traffic.fallback[:index]]:
            yield _error(entry.place, path, f'"{fallback.service or fallback.provider}" stands there twice.', "Keep one.")
        yield from (_to_service(documents, entry, fallback, path) if fallback.service is not None
                    else _to_provider(entry, tenant.spec, fallback, path, gateway))


def _callers(entry: ServiceEntry, tenant: TenantSpec, access: ModelAccess) -> Iterator[SpecError]:
    traffic = entry.document.spec.traffic
    if traffic is None or access.api_keys is None or access.api_keys.secret not in _secrets(tenant):
        return
    known = _secrets(tenant)[access.api_keys.secret]
    for index, caller in enumerate(traffic.callers):
        if caller not in known:
            yield _error(entry.place, f"spec.traffic.callers[{index}]",
                         f'no API key is called "{caller}"; secret "{access.api_keys.secret}" has: {choices(known)}.',
                         "Add the key to the tenant's secret, or correct the name.")


def _without_names(entry: ServiceEntry) -> Iterator[SpecError]:
    traffic, engine = entry.document.spec.traffic, entry.document.spec.release.engine[0]
    if traffic is None:
        return
    if traffic.model_name is not None:
        yield _error(entry.place, "spec.traffic.model_name", f"{engine} is called by path, not by a model's name.", "Remove model_name.")
    if traffic.fallback:
        yield _error(entry.place, "spec.traffic.fallback", f"{engine} does not answer the OpenAI API, so nothing else can answer for it.",
                     "Remove fallback.")
    for index, limit in enumerate(traffic.limits):
        if _counts_tokens(limit):
            yield _error(entry.place, f"spec.traffic.limits[{index}].{limit.measure}",
                         f"answers of {engine} have no tokens to count.", "Limit requests.")


def _counts_tokens(limit: Limit) -> bool:
    return limit.measure != "requests"


def _to_service(documents: Documents, entry: ServiceEntry, fallback: Fallback, path: str) -> Iterator[SpecError]:
    others = {other.document.name: other for other in documents.services.values()
              if other.tenant == entry.tenant and other is not entry and not other.role}
    other = others.get(str(fallback.service))
    if fallback.service == entry.document.name:
        yield _error(entry.place, f"{path}.service", "a service cannot answer for itself.", "Name another service of the tenant.")
    elif other is None and not documents.unread_service(entry.tenant, str(fallback.service)):
        yield _error(entry.place, f"{path}.service",
                     f'tenant "{entry.tenant}" has no other service "{fallback.service}"; there are: {choices(others)}.',
                     "Add the service, or correct the name.")
    elif other is not None and not answers_by_service(other):
        yield _error(entry.place, f"{path}.service", f'"{fallback.service}" reads prompts in pods of their own, which only its endpoint '
                     "picker tells apart, and a list of backends leads to no endpoint picker.",
                     "Name a service without prefill, or give it router.scheduler.proxy.")
    elif other is not None and (not speaks_openai(other.document.spec)
                                or generates(other.document.spec) != generates(entry.document.spec)):
        yield _error(entry.place, f"{path}.service", f'"{fallback.service}" does not answer the same requests.',
                     "Name a service of the same kind: text for text, embeddings for embeddings.")


def _to_provider(entry: ServiceEntry, tenant: TenantSpec, fallback: Fallback, path: str, gateway: Gateway | None) -> Iterator[SpecError]:
    providers = gateway.providers if gateway is not None else {}
    provider = providers.get(str(fallback.provider))
    if provider is None:
        yield _error(entry.place, f"{path}.provider", f'there is no provider "{fallback.provider}"; there are: {choices(providers)}.',
                     "Register it in gateway.providers of environment.yaml, or correct the name.")
        return
    key = CREDENTIAL_KEYS[provider.api]
    if provider.api == "AWSAnthropic" and not generates(entry.document.spec):
        yield _error(entry.place, f"{path}.provider", f"{provider.api} answers no requests for embeddings.", "Name another provider.")
    if fallback.secret is None and not provider.api.startswith("AWS"):
        yield _error(entry.place, path, f"provider \"{fallback.provider}\" needs a key.",
                     f"Name the tenant's secret that holds it, with the key {key}.")
    elif fallback.secret is not None and key not in _secrets(tenant).get(fallback.secret, set()):
        has = f"has: {choices(_secrets(tenant)[fallback.secret])}" if fallback.secret in _secrets(tenant) else "is not there"
        yield _error(entry.place, f"{path}.secret", f'{provider.api} credentials are read from the key {key}; secret '
                     f'"{fallback.secret}" of the tenant {has}.', f"Add the secret with the key {key} to the tenant's secrets.")


def _names(documents: Documents) -> Iterator[SpecError]:
    """Models that callers could not tell apart."""
    first: dict[tuple[str, str], str] = {}
    for name, entry in sorted(documents.services.items()):
        if entry.document.spec.traffic is None or not speaks_openai(entry.document.spec):
            continue
        called = model_name(entry)
        other = first.setdefault((entry.tenant, called), name)
        if other != name:
            yield _error(entry.place, "spec.traffic.model_name", f'the model name "{called}" is that of {other} already; callers of tenant '
                         f'"{entry.tenant}" could not tell them apart.', "Give one of them another model_name.")
