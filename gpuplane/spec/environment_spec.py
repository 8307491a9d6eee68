"""The whole wish of one environment, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from gpuplane.spec.catalog import Catalog
from gpuplane.spec.environment import Environment
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.inference_graph import InferenceGraph
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.llm_inference_service import PREFILL, LLMInferenceService
from gpuplane.spec.model import Metadata
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.own import Own
from gpuplane.spec.policies import PRODUCTION_WORDS
from gpuplane.spec.runtime import Runtime
from gpuplane.spec.tenant import Tenant
from gpuplane.spec.throughput_profile import ThroughputProfileDocument

LAYERS = ("cluster", "platform", "tenants")
"""Layers in the order they are applied."""


@dataclass(frozen=True, order=True)
class StackKey:
    """What one Pulumi stack holds.

    Attributes:
        layer: one of :data:`LAYERS`.
        tenant: the one tenant it is of; empty where it is the whole layer's.
    """

    layer: str
    tenant: str = ""


@dataclass(frozen=True)
class Place:
    """Where a document stands: the file as shown to people, and the line of each of its fields.

    Attributes:
        file: path as errors name it.
        relative: path below the environment's folder, the same on every machine.
        lines: dotted path, as :func:`gpuplane.spec.errors.dotted` writes it, to 1-based line; ``""`` is the document.
        written: where a part of the document is judged as a document of its own: the paths of that, and where they are written.
    """

    file: str
    relative: str
    lines: Mapping[str, int] = field(repr=False, compare=False)
    written: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def path(self, path: str) -> str:
        """The path as the document writes it."""
        for start, written in self.written.items():
            if path == start or path.startswith(f"{start}."):
                return written + path.removeprefix(start)
        return path

    def line(self, path: str) -> int:
        """Line of a field, e.g. ``spec.egress[0].cidr`` or ``spec.quota.a100-mig/1g.10gb``; of a parent where it is not written.

        Keys may hold dots, so a path is never split: it is shortened until it is one that the document has.
        """
        while path and path not in self.lines:
            path = path[:max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)

    def __str__(self) -> str:
        return self.file


_OF_PREFILL = {"spec.scaling": "spec.prefill.scaling", "spec.parallelism": "spec.prefill.parallelism",
               "spec.resources": "spec.prefill.resources"}
"""Paths of the pods that read prompts, seen as a service, and where they are written."""
_FIXED = dict.fromkeys(("spec.scaling.min_replicas", "spec.scaling.max_replicas", "spec.scaling"), "spec.prefill.replicas")
"""The same where their number is fixed; longer paths come first."""


@dataclass(frozen=True)
class ServiceEntry:
    """A service with the tenant whose folder it lies in.

    An LLMInferenceService with prefill is two entries: that of the pods that read prompts has the role ``prefill`` and is planned
    like a service of its own, named ``<service>-prefill``; the object that serves both comes from the other.
    """

    tenant: str
    document: InferenceService | LLMInferenceService
    place: Place
    role: str = ""

    def entries(self) -> Iterator[ServiceEntry]:
        """The service itself, and its pods that read prompts."""
        yield self
        if isinstance(self.document, LLMInferenceService) and (spec := self.document.spec.of_prefill) is not None:
            name = Metadata.model_construct(name=f"{self.document.name}-{PREFILL}")
            document = self.document.model_copy(update={"spec": spec, "metadata": name})
            prefill = self.document.spec.prefill
            written = _OF_PREFILL | _FIXED if prefill is not None and prefill.scaling is None else _OF_PREFILL
            written = {start: written[start] for start in sorted(written, reverse=True)}
            yield replace(self, document=document, place=replace(self.place, written=written), role=PREFILL)

    @cached_property
    def name(self) -> str:
        """``tenant/service``, unique in the environment."""
        return f"{self.tenant}/{self.document.name}"

    @property
    def object_name(self) -> str:
        """Name of the object that serves it, and of the document."""
        return self.document.name.removesuffix(f"-{PREFILL}") if self.role else self.document.name


@dataclass(frozen=True)
class GraphEntry:
    """A graph of services with the tenant whose folder it lies in."""

    tenant: str
    document: InferenceGraph
    place: Place

    def services(self) -> tuple[str, ...]:
        """Names of the services that its steps lead to, each once."""
        return tuple(dict.fromkeys(step.service for node in self.document.spec.nodes.values() for step in node.steps
                                   if step.service is not None))


@dataclass(frozen=True)
class EnvironmentSpec:
    """Every document of one environment, cross-checked; mappings are sorted by name.

    Attributes:
        environment: ``environment.yaml``.
        pools, tenants: documents by name.
        services: by ``tenant/service``; pods that read prompts are there by their own name.
        exemptions: of ``exemptions.yaml``, in the order written.
        places: where each document stands, by ``(kind, name)``.
        catalogs: the user's own facts, shared by the folder's environments; later rows replace earlier ones.
        throughput: measured or published throughput by name.
        runtimes: the user's own model servers by name, shared by the folder's environments.
        graphs: services that answer together, by ``tenant/graph``.
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
    graphs: Mapping[str, GraphEntry] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the environment."""
        return self.environment.name

    @property
    def in_production(self) -> bool:
        """Whether services here are production: by its own word, else by its name."""
        said = self.environment.spec.policies.production
        return self.name.lower() in PRODUCTION_WORDS if said is None else said

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers this environment has: on existing clusters there is no cluster layer to apply."""
        return LAYERS if self.environment.spec.cloud == "aws" else LAYERS[1:]

    def stack_name(self, layer: str, tenant: str = "") -> str:
        """Pulumi stack of a layer: what ``stacks:`` says, else ``<environment>-<layer>``; of a tenant's stack with its name behind it."""
        name = getattr(self.environment.spec.stacks, layer) or f"{self.name}-{layer}"
        return f"{name}-{tenant}" if tenant else name

    def stacks_of(self, layer: str) -> tuple[StackKey, ...]:
        """Stacks of a layer: one, or with ``tenant_stacks`` one for each tenant, by name."""
        if layer == "tenants" and self.environment.spec.tenant_stacks:
            return tuple(StackKey(layer, name) for name in self.tenants)
        return (StackKey(layer),)

    def services_of(self, tenant: str) -> tuple[ServiceEntry, ...]:
        """Services of one tenant, by name."""
        return self._services_by_tenant.get(tenant, ())

    @cached_property
    def _services_by_tenant(self) -> Mapping[str, tuple[ServiceEntry, ...]]:
        found: dict[str, list[ServiceEntry]] = {}
        for entry in self.services.values():
            found.setdefault(entry.tenant, []).append(entry)
        return {tenant: tuple(entries) for tenant, entries in found.items()}

    def graphs_of(self, tenant: str) -> tuple[GraphEntry, ...]:
        """Graphs of one tenant, by name."""
        return self._graphs_by_tenant.get(tenant, ())

    @cached_property
    def _graphs_by_tenant(self) -> Mapping[str, tuple[GraphEntry, ...]]:
        found: dict[str, list[GraphEntry]] = {}
        for graph in self.graphs.values():
            found.setdefault(graph.tenant, []).append(graph)
        return {tenant: tuple(graphs) for tenant, graphs in found.items()}

    def of_tenant(self, tenant: str) -> EnvironmentSpec:
        """The environment as one tenant's resources may see it: its own document, services and graphs; others raise NotOwnError.

        Mappings of it cannot be walked over, so that nothing takes one tenant for all of them.
        """
        services, graphs = self.services_of(tenant), self.graphs_of(tenant)
        found = replace(self, tenants=Own(tenant, {tenant: self.tenants[tenant]}), exemptions=(),
                        services=Own(tenant, {each.name: each for each in services}),
                        graphs=Own(tenant, {f"{tenant}/{each.document.name}": each for each in graphs}))
        # What is kept of a walk over all of them, put in place without the walk.
        found.__dict__["_services_by_tenant"] = Own(tenant, {tenant: services})
        found.__dict__["_graphs_by_tenant"] = Own(tenant, {tenant: graphs})
        return found

