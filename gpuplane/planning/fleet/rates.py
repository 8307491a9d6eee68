"""How much one replica of a service serves within its targets on a given GPU, and who says so.

What was measured counts before what was published, and that before what is modelled; a model is asked only where nobody
measured requests of that size at all, or none of the latencies that the service promises.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.gpu_speed import load_gpu_speeds
from gpuplane.catalog.throughput import (
    PROVENANCES,
    OperatingPoint,
    Provenance,
    Target,
    ThroughputProfile,
    declared_profiles,
    load_throughput,
)
from gpuplane.planning.fleet.roofline import ModelShape, model_shape, modelled_profile
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.inference_service import ServedModelSpec
from gpuplane.spec.objectives import Objectives


@dataclass(frozen=True)
class Size:
    """One bucket of requests: tokens in and out (None where requests have none), and requests a second."""

    input_tokens: int | None
    output_tokens: int | None
    requests_per_second: Decimal

    def __str__(self) -> str:
        return "requests" if self.input_tokens is None else f"requests of {self.input_tokens} + {self.output_tokens} tokens"


@dataclass(frozen=True)
class Hardware:
    """What a replica stands on: a GPU of the catalogue, whole or a MIG profile of it, and how many."""

    gpu: str
    mig: str | None
    devices: int

    def __str__(self) -> str:
        return f"{self.devices} × {self.mig + ' of ' if self.mig else ''}{self.gpu}"


@dataclass(frozen=True, order=True)
class Rate:
    """Most requests of one size that a replica serves within the targets.

    Attributes:
        requests_per_second: None: not within the targets, or not known; ``reason`` says which.
        profile, source, as_of, provenance: the profile it is read from; of the best one tried where there is no rate.
        known: False where no profile says anything.
    """

    requests_per_second: Decimal | None
    provenance: Provenance | None
    profile: str
    source: str
    as_of: date | None
    reason: str = ""
    known: bool = True

    @property
    def evidence(self) -> str:
        """Provenance, profile, source and day in one line."""
        return f"{self.provenance}: {self.profile}, {self.source}, as of {self.as_of}"


UNKNOWN = Rate(None, None, "", "", None, "no throughput is known", known=False)


@dataclass(frozen=True)
class Served:
    """What a service asks for, as throughput profiles understand it."""

    model: str
    engine: str
    engine_version: str
    sizes: tuple[Size, ...]
    targets: Mapping[Target, Decimal] = field(hash=False)

    @classmethod
    def of(cls, spec: ServedModelSpec, objectives: Objectives) -> Served:
        """The service's demand."""
        rate = objectives.requests_per_second
        sizes = tuple(Size(size.input_tokens, size.output_tokens, size.share * rate) for size in objectives.request_sizes)
        return cls(objectives.performs_like or spec.release.model.model, *spec.release.engine, sizes or (Size(None, None, rate),),
                   objectives.targets)


@dataclass(frozen=True)
class Throughputs:
    """Every profile that may be asked: a user's own, the catalogue's, and the model of last resort.

    Attributes:
        trust: provenances that count.
    """

    profiles: tuple[ThroughputProfile, ...]
    catalog: Catalog
    trust: tuple[Provenance, ...] = PROVENANCES

    @classmethod
    def of(cls, spec: EnvironmentSpec, catalog: Catalog, trust: tuple[Provenance, ...] = PROVENANCES) -> Throughputs:
        """The profiles that an environment can rest on."""
        return cls((*declared_profiles(spec.throughput), *load_throughput()), catalog, trust)

    def rate(self, served: Served, size: Size, hardware: Hardware) -> Rate:
        """The most that one replica serves of requests of this size."""
        missed: Rate | None = None
        for provenance in self.trust:
            found = self._among(self._candidates(provenance, served, size, hardware), served)
            if found.requests_per_second is not None or found.known:
                return found
            missed = missed or (found if found is not UNKNOWN else None)
        return missed or UNKNOWN

    def points(self, served: Served, size: Size, hardware: Hardware) -> tuple[OperatingPoint, ...]:
        """Every load that was tried, by the most trusted provenance that has any."""
        for provenance in self.trust:
            found = self._candidates(provenance, served, size, hardware)
            if found:
                return tuple(point for profile in found for point in profile.points)
        return ()

    def devices(self, served: Served, gpu: str, mig: str | None) -> set[int]:
        """Replica sizes (GPUs) that somebody measured or published for this model on this GPU."""
        return {profile.devices_per_replica for profile in self._filed.get((served.model, served.engine), ())
                if (profile.gpu, profile.mig) == (gpu, mig) and profile.provenance in self.trust}

    @cached_property
    def _filed(self) -> Mapping[tuple[str, str], list[ThroughputProfile]]:
        filed: dict[tuple[str, str], list[ThroughputProfile]] = {}
        for profile in self.profiles:
            filed.setdefault((profile.model, profile.engine), []).append(profile)
        return filed

    def _candidates(self, provenance: Provenance, served: Served, size: Size, hardware: Hardware) -> list[ThroughputProfile]:
        if provenance == "modelled":
            modelled = self._modelled(served, size, hardware)
            return [modelled] if modelled is not None else []
        found = [profile for profile in self._filed.get((served.model, served.engine), ())
                 if profile.provenance == provenance and profile.covers(size.input_tokens, size.output_tokens)
                 and Hardware(profile.gpu, profile.mig, profile.devices_per_replica) == hardware]
        same = [profile for profile in found if profile.engine_version == served.engine_version]
        return same or found

    def _modelled(self, served: Served, size: Size, hardware: Hardware) -> ThroughputProfile | None:
        key = (served.model, served.engine, size.input_tokens, size.output_tokens, hardware)
        if key not in self._curves:
            self._curves[key] = self._curve(served, size, hardware)
        return self._curves[key]

    @cached_property
    def _curves(self) -> dict[Hashable, ThroughputProfile | None]:
        return {}

    def _curve(self, served: Served, size: Size, hardware: Hardware) -> ThroughputProfile | None:
        speed = load_gpu_speeds().get(hardware.gpu)
        shape = self._shape(served.model) if served.engine == "vllm" and speed is not None else None
        gpu, tokens_in, tokens_out = self.catalog.gpu(hardware.gpu), size.input_tokens, size.output_tokens
        if shape is None or speed is None or gpu is None or tokens_in is None or tokens_out is None:
            return None
        mig = gpu.mig_profiles.get(hardware.mig) if hardware.mig is not None else None
        if hardware.mig is not None and mig is None:
            return None
        return modelled_profile(shape, speed, gpu, mig, hardware.devices, tokens_in, tokens_out, served.engine)

    def _shape(self, model: str) -> ModelShape | None:
        if model not in self._shapes:
            self._shapes[model] = model_shape(self.catalog.models.values(), model)
        return self._shapes[model]

    @cached_property
    def _shapes(self) -> dict[str, ModelShape | None]:
        return {}

    def _among(self, profiles: Iterable[ThroughputProfile], served: Served) -> Rate:
        """The best of profiles of one provenance; ``known`` is False where none of them speaks of every target."""
        best = UNKNOWN
        for profile in profiles:
            rate = _rate(profile, served)
            if (best.requests_per_second or 0, best.known, best is not UNKNOWN) < (rate.requests_per_second or 0, rate.known, True):
                best = rate
        return best


def _rate(profile: ThroughputProfile, served: Served) -> Rate:
    point, silent = profile.best_point(served.targets), profile.unknown_targets(served.targets)
    if point is not None:
        note = "" if profile.engine_version in ("any", served.engine_version) else (
            f"with {profile.engine} {profile.engine_version}, the service has {served.engine_version}")
        return Rate(point.requests_per_second, profile.provenance, profile.name, profile.source, profile.as_of, note)
    if silent:
        reason = f"{profile.name} does not say {', '.join(map('.'.join, silent))}"
    else:
        reason = f"at no load of {profile.name} are all targets held"
    return Rate(None, profile.provenance, profile.name, profile.source, profile.as_of, reason, known=not silent)
