"""All planned resources of an environment (or of a set of manifests), with the look-ups that rules need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from datetime import date
from functools import cached_property
from typing import Any

from gpuplane.catalog.catalog import Catalog, default_catalog
from gpuplane.catalog.obligations import Obligations, strengthened
from gpuplane.graph.pod_templates import PodTemplate, pod_templates
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.graph.text_leaves import Leaf, kept_in_git, leaves
from gpuplane.spec.policies import DEFAULT, DEVELOPMENT_WORDS, PRODUCTION_WORDS, Policies
from gpuplane.spec.vocabulary import LabelMap


class PlannedGraph:
    """Resources, judged as one platform: queues, nodes, policies and workloads are each other's context.

    Args:
        resources: the views; the order is kept.
        labels: which label or annotation says what.
        catalog: instance types and prices; the shipped one where it is left out.
        parameters: what the environment says about the rules.
    """

    def __init__(self, resources: Iterable[ResourceView], labels: LabelMap | None = None, catalog: Catalog | None = None,
                 parameters: Policies = DEFAULT) -> None:
        self.resources = tuple(resources)
        self.labels = labels or LabelMap()
        self.catalog = catalog or default_catalog()
        self.parameters = parameters
        self._own = frozenset(map(id, self.resources))
        self._said: dict[tuple[int, str], str | None] = {}
        """What own views say; every rule asks, and none changes a view."""
        self.as_of: date | None = None
        """The day it is judged at; None only where no verdict is asked for (the registry sets it)."""

    def on(self, day: date) -> PlannedGraph:
        """The same graph, judged at ``day``; itself, with what is known of it, where it is judged at that day already."""
        if self.as_of == day:
            return self
        found = copy(self)
        found.as_of = day
        return found

    def of_some(self, views: Iterable[ResourceView]) -> PlannedGraph:
        """A graph of some of the views, judged at the same day with the same words."""
        found = PlannedGraph(views, self.labels, self.catalog, self.parameters)
        found.as_of = self.as_of
        return found

    @cached_property
    def obligations(self) -> Mapping[str, Obligations]:
        """What data is owed, by its class; the environment's own demands are in it."""
        return strengthened(self.parameters)

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[ResourceView, ...]]:
        found: dict[str, list[ResourceView]] = defaultdict(list)
        for view in self.resources:
            found[view.kind].append(view)
        return {kind: tuple(views) for kind, views in found.items()}

    @cached_property
    def _objects_by_kind(self) -> Mapping[str, tuple[ResourceView, ...]]:
        return {kind: tuple(view for view in views if view.is_kubernetes) for kind, views in self._by_kind.items()}

    @cached_property
    def _namespaces(self) -> Mapping[str, ResourceView]:
        return {view.name: view for view in self.of_kind("Namespace") if view.api_version == "v1"}

    def of_kind(self, *kinds: str) -> tuple[ResourceView, ...]:
        """Views of these kinds, in the graph's order for each kind."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return tuple(view for kind in kinds for view in self._by_kind.get(kind, ()))

    def objects(self, *kinds: str) -> tuple[ResourceView, ...]:
        """Kubernetes objects of these kinds; a component can bear a kind's name, but is nothing in the cluster."""
        if len(kinds) == 1:
            return self._objects_by_kind.get(kinds[0], ())
        return tuple(view for kind in kinds for view in self._objects_by_kind.get(kind, ()))

    @cached_property
    def _by_namespace(self) -> Mapping[tuple[str, str], tuple[ResourceView, ...]]:
        found: dict[tuple[str, str], list[ResourceView]] = defaultdict(list)
        for view in self.kubernetes:
            found[view.kind, view.namespace].append(view)
        return {key: tuple(views) for key, views in found.items()}

    def inside(self, namespace: str, kind: str) -> tuple[ResourceView, ...]:
        """Kubernetes objects of a kind in a namespace, in the graph's order."""
        return self._by_namespace.get((kind, namespace), ())

    @cached_property
    def kubernetes(self) -> tuple[ResourceView, ...]:
        """Views of Kubernetes objects."""
        return tuple(view for view in self.resources if view.is_kubernetes)

    @cached_property
    def pods(self) -> tuple[tuple[ResourceView, tuple[PodTemplate, ...]], ...]:
        """Every object that has pod templates, with them: found once for all rules."""
        found = ((view, pod_templates(view)) for view in self.kubernetes)
        return tuple((view, templates) for view, templates in found if templates)

    @cached_property
    def texts(self) -> tuple[tuple[ResourceView, Sequence[Leaf]], ...]:
        """Every object that is kept in git, with all its text: read once for all rules."""
        return tuple((view, leaves(view)) for view in self.resources if kept_in_git(view))

    @property
    def namespaces(self) -> Mapping[str, ResourceView]:
        """Namespaces by name."""
        return self._namespaces

    def says(self, view: ResourceView, what: str) -> str | None:
        """What an object (by label, annotation or tag) or, failing that, its namespace says about itself.

        Args:
            view: the object.
            what: a field of :class:`LabelMap`, e.g. ``tenant`` or ``monthly_budget_usd``.
        """
        if (id(view), what) in self._said:
            return self._said[id(view), what]
        said = self._read(view, getattr(self.labels, what))
        if id(view) in self._own:
            self._said[id(view), what] = said
        return said

    def bears(self, view: ResourceView, what: str) -> bool:
        """Whether an object itself has a label, annotation or tag for it, whatever that says; ``what`` as of :meth:`says`."""
        return _word(view, getattr(self.labels, what)) is not None

    def _read(self, view: ResourceView, key: str) -> str | None:
        for source in (view, self._namespaces.get(view.namespace)):
            if source is not None:
                value = _word(source, key)
                if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                    return str(value)
        return None

    def in_production(self, view: ResourceView) -> bool:
        """Whether an object serves in production: by the environment's own word, else by the name of the environment it bears."""
        return self.means_production(self.says(view, "environment"))

    def in_development(self, view: ResourceView) -> bool:
        """Whether nobody is served from an object at night: by the environment's own word, else by the name of the environment it bears."""
        if self.parameters.development is not None:
            return self.parameters.development
        return (self.says(view, "environment") or "").lower() in DEVELOPMENT_WORDS

    def means_production(self, environment: Any) -> bool:
        """Whether an environment of that name is production; what the parameters say comes first."""
        if self.parameters.production is not None:
            return self.parameters.production
        return isinstance(environment, str) and environment.lower() in PRODUCTION_WORDS

    def tenant_of(self, view: ResourceView) -> str | None:
        """The tenant an object belongs to, by its own or its namespace's label."""
        return self.says(view, "tenant")

    def data_class_of(self, view: ResourceView) -> str | None:
        """The data class of an object or its namespace, in gpuplane's words; None where it is missing or not a class."""
        word = self.says(view, "data_classification")
        return self.labels.data_class(word) if word is not None else None


def _word(view: ResourceView, key: str) -> Any:
    """What a label says, or else an annotation, or else a tag."""
    for words in (view.labels, view.annotations):
        if key in words:
            return words[key]
    return mapping(view.get("tags")).get(key)
