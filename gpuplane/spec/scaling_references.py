"""What services say about scaling and canaries of other documents, and of themselves: KEDA, Prometheus, routes and names."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.errors import SpecError
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.kserve_names import LONGEST_NAME, backend_service, inference_pool
from gpuplane.spec.references import Documents


def check_scaling(documents: Documents) -> list[SpecError]:
    """Every service that asks for an autoscaler which is not there."""
    if documents.environment is None:
        return []
    settings = documents.environment.spec
    return [error for entry in documents.services.values()
            for error in (*_autoscaler(entry, settings), *_canary(documents, entry), *_router(entry, settings))]


def _error(entry: ServiceEntry, path: str, message: str, remedy: str) -> SpecError:
    return SpecError(entry.place.file, entry.place.line(path), path, message, remedy)


def _autoscaler(entry: ServiceEntry, settings: EnvironmentSettings) -> Iterator[SpecError]:
    scaling = entry.document.spec.scaling
    asking = [name for name in ("triggers", "scale_to_zero") if getattr(scaling, name) is not None]
    for name in asking:
        if settings.keda is None:
            yield _error(entry, f"spec.scaling.{name}", "the environment has no KEDA, which is what scales on it.",
                         f"Add keda to environment.yaml, or remove {name}.")
    wakes = scaling.scale_to_zero is not None and scaling.scale_to_zero.wake_query is not None
    asks = "triggers" if scaling.triggers is not None else "scale_to_zero.wake_query" if wakes else None
    if asks is not None and (settings.monitoring is None or settings.monitoring.prometheus_url is None):
        yield _error(entry, f"spec.scaling.{asks}", "KEDA asks Prometheus for it, and the environment does not say where that is.",
                     "Add monitoring.prometheus_url to environment.yaml.")


def _router(entry: ServiceEntry, settings: EnvironmentSettings) -> Iterator[SpecError]:
    if entry.document.spec.pods_per_replica > 1 and settings.leader_worker_set is None:
        yield _error(entry, "spec.parallelism", f"a replica is {entry.document.spec.pods_per_replica} pods, and the environment has no "
                     "LeaderWorkerSet, which is what runs them.", "Add leader_worker_set to environment.yaml, or fit a replica in one pod.")
    if not entry.role and inference_pool(entry) is not None and not settings.cluster.api_server_cidrs:
        yield _error(entry, "spec.router", "its endpoint picker asks the API server which pods there are; the tenant's network lets "
                     "nothing out that is not named, and the environment does not say where the API server is.",
                     "Add cluster.api_server_cidrs to environment.yaml.")


def _canary(documents: Documents, entry: ServiceEntry) -> Iterator[SpecError]:
    service, canary = entry.document.spec, entry.document.spec.canary
    if canary is None:
        return
    name = f"{entry.document.name}-{canary.name}"
    if f"{entry.tenant}/{name}" in documents.services:
        yield _error(entry, "spec.canary.name", f'its Deployment would be called as that of service "{name}" is.', "Give it another name.")
    if len(made := backend_service(entry, name)[0]) > LONGEST_NAME:
        yield _error(entry, "spec.canary.name", f'its Service would be called "{made}", which has {len(made)} characters; allowed are '
                     f"{LONGEST_NAME}.", "Give it a shorter name.")
    if service.traffic is None:
        yield _error(entry, "spec.canary", "only the gateway shares requests out, and the service is not on it.",
                     "Add traffic, or remove canary.")
    if service.scaling.scale_to_zero is not None:
        yield _error(entry, "spec.canary", "a service that runs down to no replica has none to compare a canary with.",
                     "Remove scale_to_zero for as long as it lasts.")
    if service.model_cache_gib is not None:
        yield _error(entry, "spec.canary", "KServe mounts the service's cached weights in its canaries too.",
                     "Remove model_cache_gib for as long as it lasts.")
    if canary.release.engine[0] != service.release.engine[0]:
        yield _error(entry, "spec.canary.release", f"it is served by {canary.release.engine[0]}, its service by "
                     f"{service.release.engine[0]}: what KServe takes over from the service would be another engine's.",
                     "Try another engine as a service of its own.")
    is_laid_over = isinstance(entry.document, InferenceService)
    if is_laid_over and _scheme(canary.release.model.uri) != _scheme(service.release.model.uri):
        yield _error(entry, "spec.canary.release.model.uri", "its weights come from another kind of source than its service's: KServe "
                     "takes what downloads them over from the service.", f"Take one with {_scheme(service.release.model.uri)}://.")
    if service.placement.profile is not None and canary.release.devices_per_replica > 1:
        yield _error(entry, "spec.canary.release", f"{canary.release.devices_per_replica} devices for one replica: MIG devices have no "
                     "peer-to-peer path, so parallelism over them is impossible.", "Use one device, or a pool of whole GPUs.")
    promised = service.objectives
    for index, objective in enumerate(canary.objectives):
        said = getattr(promised, objective, None)
        if said is None or all(statistic == "mean" for statistic in said.given):
            yield _error(entry, f"spec.canary.objectives[{index}]", f"the service promises no percentile of {objective}.",
                         "Add it to objectives, or remove it here.")


def _scheme(uri: str) -> str:
    return uri.partition("://")[0]
