"""Grafana dashboards in ConfigMaps: the variables that panels use, and the series that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from gpuplane.graph.json_text import json_in
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.wiring.expressions import Reader, expression_links
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State

_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w++)[^${}]*+\}|\[\[(\w++)[^\[\]]*+\]\]")
_QUERY_OF_VALUES = re.compile(r"^\s*(?:label_values|query_result|metrics)\s*\((.*?)(?:,\s*\w+\s*)?\)\s*$", re.DOTALL)
_GIVEN = ("timeFilter", "interval", "interval_ms", "dashboard", "org", "user", "name")
"""Variables that Grafana defines, besides those that begin with two underscores."""


def dashboard_links(index: Index) -> Iterator[Link]:
    """Each dashboard's variables and series."""
    for view in index.graph.objects("ConfigMap"):
        for key, text in mapping(view.get("data")).items():
            dashboard = _dashboard(text) if isinstance(text, str) and '"panels"' in text else None
            if dashboard is not None:
                yield from _links(index, view, str(key), dashboard)


@lru_cache(maxsize=1024)
def _dashboard(text: str) -> Mapping[str, Any] | None:
    found = json_in(text)
    return found if isinstance(found, dict) and isinstance(found.get("panels"), list) else None


def _links(index: Index, view: ResourceView, key: str, dashboard: Mapping[str, Any]) -> Iterator[Link]:
    variables = {str(lookup(item, "name")) for item in items(lookup(dashboard, "templating", "list"))}
    for item in items(lookup(dashboard, "templating", "list")):
        query = told(item, "query", "query") or told(item, "query")
        if lookup(item, "type") == "query" and isinstance(query, str):
            reader = Reader(Relation.DASHBOARD, view, f"data.{key}", f"variable {lookup(item, 'name')}")
            inner = _QUERY_OF_VALUES.match(query)
            yield from _text(index, reader, inner.group(1) if inner else query, variables)
    for panel in _panels(dashboard):
        reader = Reader(Relation.DASHBOARD, view, f"data.{key}", f"panel {told(panel, 'title') or told(panel, 'id')}")
        for target in items(lookup(panel, "targets")):
            text = lookup(target, "expr")
            if isinstance(text, str):
                yield from _text(index, reader, text, variables)
        for text in (lookup(panel, "repeat"), lookup(panel, "datasource", "uid"), lookup(panel, "title")):
            if isinstance(text, str) and text:
                yield from _used(reader, f"${text}" if text == lookup(panel, "repeat") else text, variables)


def _panels(value: Any) -> Iterator[Mapping[str, Any]]:
    for panel in items(lookup(value, "panels")):
        if isinstance(panel, Mapping):
            yield panel
            yield from _panels(panel)


def _text(index: Index, reader: Reader, text: str, variables: set[str]) -> Iterator[Link]:
    yield from _used(reader, text, variables)
    yield from expression_links(index, reader, text)


def _used(reader: Reader, text: str, variables: set[str]) -> Iterator[Link]:
    for match in _VARIABLE.finditer(text):
        name = next(group for group in match.groups() if group)
        if not name.startswith("__") and name not in _GIVEN and not name.isdecimal():
            there = name in variables
            yield reader.link(f"variable {name} of the dashboard", State.FOUND if there else State.DANGLING,
                              "it is defined" if there else f"it defines {', '.join(sorted(variables)) or 'none'}")
