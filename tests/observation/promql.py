"""PromQL read by a real parser: which metrics an expression asks for, and which labels it uses of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser

from gpuplane.catalog.metrics import load_metrics

INFERRED = {"__name__"}


@dataclass(frozen=True)
class Asked:
    """One selector: the series' name and the labels that its matchers name."""

    name: str
    labels: frozenset[str]


def asked(expression: str) -> list[Asked]:
    """Every selector of an expression.

    Raises:
        ValueError: it is no PromQL.
    """
    found: list[Asked] = []

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(Asked(node.name or "", frozenset(matcher.name for matcher in node.matchers.matchers) - INFERRED))
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def grouped(expression: str) -> frozenset[str]:
    """Labels that aggregations group by and that binary operators match on."""
    found: set[str] = set()

    def visit(node: object) -> bool:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)
        if isinstance(node, promql_parser.BinaryExpr) and node.modifier is not None and node.modifier.matching is not None:
            found.update(node.modifier.matching.labels)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return frozenset(found)


def known_series() -> dict[str, frozenset[str]]:
    """Series of the catalogue by name, with the labels they can bear."""
    known: dict[str, frozenset[str]] = {}
    for metric in load_metrics():
        for name in metric.series:
            own = metric.labels if name.endswith("_bucket") or metric.type == "summary" else metric.labels - {"le"}
            known[name] = known.get(name, frozenset()) | own
    return known


def problems(expression: str, known: dict[str, frozenset[str]]) -> Iterator[str]:
    """What an expression asks for that nothing has."""
    labels: set[str] = set()
    for selector in asked(expression):
        if selector.name not in known:
            yield f"{selector.name or 'a selector without a name'} is no metric of the catalogue and no recorded series: {expression}"
            continue
        labels |= known[selector.name]
        for label in sorted(selector.labels - known[selector.name]):
            yield f"{selector.name} has no label {label}: {expression}"
    for label in sorted(grouped(expression) - labels):
        yield f"no series of it has the label {label}: {expression}"
