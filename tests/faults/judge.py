"""The judge of every case: the next run converges, and nothing is lost, duplicated or orphaned."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from benchmarks.object_fields import fields_lacking
from tests.faults.bed import PASSPHRASE, Bed
from tests.faults.control_plane import TOKEN

Key = tuple[str, str, str]
"""Kind, namespace and name."""
_OF_EVERY_NAMESPACE = {("ServiceAccount", "default")}
_CHANGED = (" created", " updated", " deleted", " replaced")


def require_converges(bed: Bed, *arguments: str) -> str:
    """The next run brings the stack to the wish, the one after it finds nothing to do; returns what the first said on stderr."""
    done = bed.up(*arguments)
    assert done.status == 0, f"the next run does not converge:\n{done.said}"
    require_whole(bed)
    again = bed.up()
    assert again.status == 0, again.said
    assert "unchanged" in again.stderr, again.said
    assert not [line for line in again.stderr.splitlines() if line.endswith(_CHANGED)], f"the second run changes something:\n{again.said}"
    return done.stderr


def require_whole(bed: Bed) -> None:
    """Wish, state and cluster say the same: of names, and the cluster of every wished field."""
    planned, live = _planned(bed), _on_cluster(bed)
    wished, held, there = (Counter(map(_key, bodies)) for bodies in (planned, _held(bed), live))
    assert wished == held, f"not in the state: {wished - held}; in it and not wished, or twice: {held - wished}"
    assert wished == there, f"lost: {wished - there}; orphans: {there - wished}"
    found = {_key(body): body for body in live}
    lost = [line for body in planned for line in fields_lacking("/".join(filter(None, _key(body))), body, found[_key(body)])]
    assert not lost, f"wished, and on the cluster: {'; '.join(lost)}"
    for stack in bed.stacks:
        assert not bed.deployment(stack).get("pending_operations"), f"the state of {stack} has pending operations"
        assert not list(bed.locks_of(stack).glob("*.json")), f"a lock of {stack} was left behind"


def require_no_secret(bed: Bed) -> None:
    """What was said shows neither the passphrase nor the token."""
    for text in bed.heard:
        assert PASSPHRASE not in text
        assert TOKEN not in text


def require_audit_whole(bed: Bed) -> None:
    """The chain of records is whole."""
    done = bed.run("audit", "local", "--verify")
    assert done.status == 0, done.said


_WISHES: dict[str, list[dict[str, Any]]] = {}
"""What was planned for documents that differ in nothing but the tenant's name."""


def _wish(bed: Bed) -> list[dict[str, Any]]:
    """Kubernetes objects of both layers that the offline preview says there will be."""
    text = "".join(path.read_text() for path in sorted(bed.documents.rglob("*.yaml"))).replace(bed.tenant, "@tenant@")
    if text not in _WISHES:
        report = json.loads(bed.run("preview", "local", "--format", "json").stdout.replace(bed.tenant, "@tenant@"))
        _WISHES[text] = [one for one in report["resources"] if one["api_version"]]
    return json.loads(json.dumps(_WISHES[text]).replace("@tenant@", bed.tenant))  # type: ignore[no-any-return]


def _planned(bed: Bed) -> list[dict[str, Any]]:
    return [one["props"] for one in _wish(bed) if one["urn"].startswith("urn:pulumi:local-tenants::")]  # of one stack or of many


def _held(bed: Bed) -> list[dict[str, Any]]:
    resources = [one for stack in bed.stacks for one in bed.deployment(stack).get("resources") or ()]
    return [one["inputs"] for one in resources if one["type"].startswith("kubernetes:") and not one.get("delete")]


def _key(body: dict[str, Any]) -> Key:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _on_cluster(bed: Bed) -> list[dict[str, Any]]:
    """What of the kinds that gpuplane makes is in the tenants' namespaces, or is called like one of them."""
    return [body for version, kind in sorted(_kinds(bed)) for body in bed.cluster.list(version, kind) if _is_tenants(bed, body)]


def _is_tenants(bed: Bed, body: dict[str, Any]) -> bool:
    kind, place, name = _key(body)
    return bool({place, name} & set(bed.tenants)) and (kind, name) not in _OF_EVERY_NAMESPACE


def _kinds(bed: Bed) -> set[tuple[str, str]]:
    return {(one["api_version"], one["kind"]) for one in _wish(bed)}
