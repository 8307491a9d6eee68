"""The reachability matrix in plan.json: every edge with the objects that make it, and what differs from another ref."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpuplane.graph.reachability import Edge, Maker, Matrix, Medium, Party, Side
from gpuplane.spec.json_schema import closed_object

_OBJECT = ("urn", "kind", "namespace", "name", "field")


def isolation_json(found: Matrix) -> dict[str, Any]:
    """A matrix as plain JSON values."""
    return {"tenants": list(found.tenants), "edges": [edge_json(edge) for edge in found.edges]}


def edge_json(edge: Edge) -> dict[str, Any]:
    """An edge as plain JSON values."""
    return {"medium": edge.medium.value, "source": _party(edge.source), "target": _party(edge.target), "sentence": edge.sentence,
            "certain": edge.certain, "allowed": edge.allowed, "refused": edge.refused,
            "objects": [{key: getattr(each, key) for key in _OBJECT} for each in edge.objects]}


def edges_from_json(report: Mapping[str, Any]) -> tuple[Edge, ...] | None:
    """Edges of a preview in its JSON form; None in one of before there were any."""
    found = report.get("isolation")
    return None if not isinstance(found, Mapping) else tuple(Edge(
        Medium(row["medium"]), _from(row["source"]), _from(row["target"]), row["sentence"],
        tuple(Maker(*(each[key] for key in _OBJECT)) for each in row["objects"]), row["certain"], row["allowed"])
        for row in found["edges"])


def definitions() -> dict[str, Any]:
    """JSON Schema of what :func:`isolation_json` writes: ``Matrix``, ``Edge``, ``Party`` and ``EdgeObject``."""
    text = {"type": "string"}
    ends = closed_object("An end of an edge.", {"side": {"enum": [side.value for side in Side]}, "name": text})
    return {
        "Matrix": closed_object("Who reaches whom, through what.", {
            "tenants": {"type": "array", "items": text}, "edges": {"type": "array", "items": {"$ref": "#/$defs/Edge"}}}),
        "Edge": closed_object("One way from one party's work to another's.", {
            "source": {"$ref": "#/$defs/Party"}, "target": {"$ref": "#/$defs/Party"},
            "medium": {"enum": [medium.value for medium in Medium]},
            "sentence": {**text, "description": "What can be done."},
            "certain": {"type": "boolean", "description": "false where only apply knows a part of it: it cannot be excluded."},
            "allowed": {**text, "description": "Why it may be; empty where nobody said so."},
            "refused": {"type": "boolean", "description": "Whether nobody allows it."},
            "objects": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/EdgeObject"}}}),
        "Party": {**ends, "properties": {**ends["properties"], "members": {
            "type": "array", "items": text, "description": "Several tenants, each of which is meant; left out for one."}}},
        "EdgeObject": closed_object("An object that makes an edge.", {
            **dict.fromkeys(("urn", "kind", "namespace", "name"), text),
            "field": {**text, "description": "Path of what makes it; empty where it is the whole object."}}),
    }


def changed(before: Sequence[Edge], now: Sequence[Edge]) -> tuple[tuple[Edge, ...], tuple[Edge, ...]]:
    """Edges that are new, and edges that are gone: by their medium, ends and sentence."""
    old, new = ({edge.identity for edge in edges} for edges in (before, now))
    return tuple(edge for edge in now if edge.identity not in old), tuple(edge for edge in before if edge.identity not in new)


def _party(party: Party) -> dict[str, Any]:
    return {"side": party.side.value, "name": party.name, **({"members": list(party.members)} if party.members else {})}


def _from(row: Mapping[str, Any]) -> Party:
    return Party(Side(row["side"]), row["name"], tuple(row.get("members", ())))
