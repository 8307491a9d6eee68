"""The documents themselves as rules about literals read them: what people write is kept in git, whether or not it is rendered."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding
from gpuplane.policies.literal_rule import LiteralRule
from gpuplane.policies.registry import all_rules, judge
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.model import SpecModel


def document_views(spec: EnvironmentSpec, left_out: Collection[str] = ()) -> Iterator[tuple[ResourceView, Place]]:
    """Every document of an environment as far as it is written, and where it stands; none of some tenants."""
    services = [(entry.tenant, entry.document) for entry in spec.services.values() if not entry.role]
    documents: list[tuple[str, Any]] = [("", spec.environment), *(("", document) for document in spec.pools.values())]
    documents += [(name, document) for name, document in spec.tenants.items()]
    documents += [*services, *((entry.tenant, entry.document) for entry in spec.graphs.values())]
    documents += [("", document) for document in (*spec.catalogs, *spec.throughput.values(), *spec.runtimes.values())]
    for tenant, document in ((tenant, document) for tenant, document in documents if tenant not in left_out):
        inner = f"{tenant}/{document.name}" if tenant and document.kind != "Tenant" else document.name
        # Services of any kind are known by the first one's.
        place = spec.places.get((document.kind, inner)) or spec.places.get(("InferenceService", inner))
        if place is not None:
            yield _view(place, document.kind, tenant, document.name, _written(document.spec)), place
    waived = spec.places.get(("Exemptions", spec.name))
    if waived is not None:
        yield _view(waived, "Exemptions", "", spec.name, {"exemptions": [_written(each) for each in spec.exemptions]}), waived


def _view(place: Place, kind: str, tenant: str, name: str, written: dict[str, Any]) -> ResourceView:
    return ResourceView(urn=place.file, kind=kind, namespace=tenant, name=name, custom=False, file=place.file, props={"spec": written})


def _written(model: SpecModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def literal_findings(spec: EnvironmentSpec, as_of: date, clean: Collection[str] = ()) -> list[Finding]:
    """Literals of personal data and secrets in an environment's documents, each with its line.

    Args:
        spec: the environment.
        as_of: the day it is judged at.
        clean: tenants whose documents are known to hold none.
    """
    found = {view.urn: (view, place) for view, place in document_views(spec, clean)}
    graph = PlannedGraph([view for view, _ in found.values()], parameters=spec.environment.spec.policies)
    rules = [rule for rule in all_rules() if isinstance(rule, LiteralRule)]
    findings = judge(graph, spec.exemptions, as_of, rules).findings
    return [replace(finding, line=found[finding.urn][1].line(finding.field), tenant=found[finding.urn][0].namespace)
            for finding in findings]
