"""What services say about scaling and canaries of other documents, and of themselves: KEDA, Prometheus, routes and names."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.errors import SpecError
from gpuplane.spec.references import Documents


def check_scaling(documents: Documents) -> list[SpecError]:
    """Every service that asks for an autoscaler which is not there."""
    if documents.environment is None:
        return []
    settings = documents.environment.spec
    return [error for entry in documents.services.values() for error in _autoscaler(entry, settings)]


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
