"""From what the Pulumi engine hands to a policy pack to :class:`ResourceView`, and back to violations.

Free of ``pulumi_policy``, so that it is tested where the rules are. Two traps decide its shape: the SDK raises on
the first unknown value and then passes the whole policy as advisory, so each value is read on its own; and it
unwraps secrets, so nothing here prints a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from gpuplane.catalog.catalog import Catalog, default_catalog
from gpuplane.catalog.overlay import catalog_for
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules, judge
from gpuplane.policies.rule import Rule
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.policies import DEFAULT, Policies

OBJECT_POLICY, STACK_POLICY = "gpuplane-object", "gpuplane-stack"
"""Names of the two policies. More would cost more: the SDK reads every resource again for each policy."""


class Resource(Protocol):
    """What ``ResourceValidationArgs`` and ``PolicyResource`` have in common."""

    resource_type: str
    props: Mapping[str, Any]
    urn: str
    name: str


def view_of(resource: Resource, unknown_error: type[Exception]) -> ResourceView:
    """One resource as rules read it.

    Args:
        resource: what the SDK gives.
        unknown_error: what the SDK raises on access to an unknown value.
    """
    props = _plain(resource.props, resource.urn, "", unknown_error)
    type_ = resource.resource_type
    kind, api_version = type_.rpartition(":")[2], props.get("apiVersion")
    is_object = type_.startswith("kubernetes:") and not type_.startswith("kubernetes:helm.sh/")
    if not is_object or not isinstance(api_version, str):
        return ResourceView(urn=resource.urn, type=type_, kind=kind, name=resource.name, props=props)
    name, namespace = (_text(lookup(props, "metadata", key)) for key in ("name", "namespace"))
    return ResourceView(urn=resource.urn, type=type_, api_version=api_version, kind=_text(props.get("kind")) or kind,
                        namespace=namespace, name=name or resource.name, props=props)


def object_violations(view: ResourceView, exemptions: Sequence[Exemption], as_of: date, catalog: Catalog | None = None,
                      parameters: Policies = DEFAULT) -> Iterator[str]:
    """What the rules about one object say while it is applied, each a sentence with the rule's id."""
    graph = PlannedGraph([view], catalog=catalog, parameters=parameters)
    rules = [rule for rule in all_rules() if rule.scope == "object" and not rule.asks_for_secrecy]
    return (sentence(finding) for finding in _blocking(graph, rules, exemptions, as_of))


def stack_violations(views: Iterable[ResourceView], exemptions: Sequence[Exemption], as_of: date,
                     catalog: Catalog | None = None, parameters: Policies = DEFAULT) -> Iterator[tuple[str, str]]:
    """What all rules say about a stack: sentence and URN of the resource it is about."""
    graph = PlannedGraph(views, catalog=catalog, parameters=parameters)
    for finding in _blocking(graph, [rule for rule in all_rules() if _can_judge(rule, graph)], exemptions, as_of):
        yield sentence(finding), finding.urn


def sentence(finding: Finding) -> str:
    """A violation in words."""
    doubt = " It cannot be judged before apply, so it counts as violated." if finding.verdict is Verdict.UNKNOWN else ""
    return f"[{finding.rule}] {finding.message}{doubt} {finding.remedy}"


def exemptions_of(config: Mapping[str, Any]) -> tuple[Exemption, ...]:
    """Exemptions of the pack's configuration.

    Raises:
        pydantic.ValidationError: one of them is not an exemption.
    """
    return tuple(Exemption.model_validate(dict(item)) for item in config.get("exemptions") or ())


def parameters_of(config: Mapping[str, Any]) -> Policies:
    """What the pack's configuration says about the rules, as ``policies:`` of an ``environment.yaml`` does.

    Raises:
        pydantic.ValidationError: it is none of that.
    """
    return Policies.model_validate_json(json.dumps(dict(config.get("policies") or {})))


def catalog_of(config: Mapping[str, Any]) -> Catalog:
    """The facts that the pack judges with: the shipped ones, and over them those beside the environments that its configuration names.

    Raises:
        InvalidSpec: the user's own file is wrong.
    """
    folder = config.get("environments")
    return _own_catalog(str(folder)) if folder else default_catalog()


@lru_cache(maxsize=1)
def _own_catalog(folder: str) -> Catalog:
    """Read once in a run: the pack is asked about every object."""
    return catalog_for(Path(folder))


def _blocking(graph: PlannedGraph, rules: Sequence[Rule], exemptions: Sequence[Exemption], as_of: date) -> list[Finding]:
    return [finding for finding in judge(graph, exemptions, as_of, rules).findings if finding.blocks]


def _can_judge(rule: Rule, graph: PlannedGraph) -> bool:
    """A stack is one layer: what a rule compares with may stand in another, and the preview has compared it there."""
    return not rule.asks_for_secrecy and not rule.across_layers and (not rule.context or bool(graph.of_kind(*rule.context)))


def _plain(value: Any, urn: str, path: str, unknown_error: type[Exception]) -> Any:
    """The SDK's proxies as plain values, with :class:`Unknown` where only apply can know."""
    if isinstance(value, Mapping):
        return {str(key): _read(value, key, urn, f"{path}.{key}" if path else str(key), unknown_error) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_read(value, index, urn, f"{path}[{index}]", unknown_error) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read(holder: Any, key: Any, urn: str, path: str, unknown_error: type[Exception]) -> Any:
    try:
        value = holder[key]
    except unknown_error:
        return Unknown(urn, path)
    return _plain(value, urn, path, unknown_error)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
