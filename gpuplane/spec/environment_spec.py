"""The whole wish of one environment, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gpuplane.spec.catalog import Catalog
from gpuplane.spec.environment import Environment
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.runtime import Runtime
from gpuplane.spec.tenant import Tenant
from gpuplane.spec.throughput_profile import ThroughputProfileDocument

LAYERS = ("cluster", "platform", "tenants")
"""Layers in the order they are applied."""


@dataclass(frozen=True)
class Place:
    """Where a document stands: the file as shown to people, and the line of each of its fields.

    Attributes:
        file: path as errors name it.
        relative: path below the environment's folder, the same on every machine.
        lines: dotted path, as :func:`gpuplane.spec.errors.dotted` writes it, to 1-based line; ``""`` is the document.
    """

    file: str
    relative: str
    lines: Mapping[str, int] = field(repr=False, compare=False)

    def line(self, path: str) -> int:
        """Line of a field, e.g. ``spec.egress[0].cidr`` or ``spec.quota.a100-mig/1g.10gb``; of a parent where it is not written.

        Keys may hold dots, so a path is never split: it is shortened until it is one that the document has.
        """
        while path and path not in self.lines:
            path = path[:max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)

    def path(self, path: str) -> str:
        """The field as the document has it; what is made of a part of a document has its own."""
        return path

    def __str__(self) -> str:
        return self.file


@dataclass(frozen=True)
class ServiceEntry:
    """A service with the tenant whose folder it lies in."""

    tenant: str
    document: InferenceService
    place: Place

    @cached_property
    def name(self) -> str:
        """``tenant/service``, unique in the environment."""
        return f"{self.tenant}/{self.document.name}"


@dataclass(frozen=True)
class EnvironmentSpec:
    """Every document of one environment, cross-checked; mappings are sorted by name.

    Attributes:
        environment: ``environment.yaml``.
        pools, tenants: documents by name.
        services: by ``tenant/service``.
        exemptions: of ``exemptions.yaml``, in the order written.
        places: where each document stands, by ``(kind, name)``.
        catalogs: the user's own facts, shared by the folder's environments; later rows replace earlier ones.
        throughput: measured or published throughput by name.
        runtimes: the user's own model servers by name, shared by the folder's environments.
    """

    environment: Environment
    pools: Mapping[str, NodePool]
    tenants: Mapping[str, Tenant]
    services: Mapping[str, ServiceEntry]
    exemptions: tuple[Exemption, ...]
    places: Mapping[tuple[str, str], Place]
    catalogs: tuple[Catalog, ...] = ()
    throughput: Mapping[str, ThroughputProfileDocument] = field(default_factory=dict)
    runtimes: Mapping[str, Runtime] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.environment.name

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers this environment has: on existing clusters there is no cluster layer to apply."""
        return LAYERS if self.environment.spec.cloud == "aws" else LAYERS[1:]

    def stack_name(self, layer: str) -> str:
        """Pulumi stack of a layer: what ``stacks:`` says, else ``<environment>-<layer>``."""
        return getattr(self.environment.spec.stacks, layer) or f"{self.name}-{layer}"

    def services_of(self, tenant: str) -> tuple[ServiceEntry, ...]:
        """Services of one tenant, by name."""
        return self._services_by_tenant.get(tenant, ())

    @cached_property
    def _services_by_tenant(self) -> Mapping[str, tuple[ServiceEntry, ...]]:
        found: dict[str, list[ServiceEntry]] = {}
        for entry in self.services.values():
            found.setdefault(entry.tenant, []).append(entry)
        return {tenant: tuple(entries) for tenant, entries in found.items()}
