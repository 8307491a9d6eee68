"""The graph that environments form by ``promotion.from``: whether its names exist, and that no way leads back to where it began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gpuplane.spec.environment_spec import Place
from gpuplane.spec.errors import SpecError
from gpuplane.spec.references import Documents
from gpuplane.spec.yaml_source import WISH_LIMITS, read_documents

_SOURCES = ("spec", "promotion", "from")


def check_promotion(environments: Path, documents: Documents, known: Sequence[str]) -> Iterator[SpecError]:
    """Names in ``promotion`` that nothing is called by, and a cycle that this environment is on.

    Args:
        environments: the folder of all environments.
        documents: of this one.
        known: names of all.
    """
    found = documents.environment
    if found is None or found.spec.promotion is None:
        return
    place, promotion = documents.places["Environment", found.name], found.spec.promotion
    for index, name in enumerate(promotion.sources):
        if name not in known:
            yield _error(place, f"spec.promotion.from[{index}]", f'there is no environment "{name}"; there are: {", ".join(known)}.',
                         "Add its folder, or correct the name.")
    for index, wave in enumerate(promotion.waves):
        for each, tenant in enumerate(wave.tenants):
            if not documents.has("Tenant", tenant):
                yield _error(place, f"spec.promotion.waves[{index}].tenants[{each}]", f'there is no tenant "{tenant}"; there are: '
                             f"{', '.join(sorted(documents.tenants)) or 'none'}.", "Add the tenant, or correct the name.")
    cycle = cycle_through(found.name, {**sources(environments, known), found.name: promotion.sources})
    if cycle:
        yield _error(place, "spec.promotion.from", f"the environments form a cycle: {' → '.join(cycle)}.",
                     "Releases go one way: remove one of them.")


def sources(environments: Path, known: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Where each environment's releases come from, read from the files alone: another environment's mistakes are its own."""
    return {name: _sources(environments / name / "environment.yaml") for name in known}


def upstream(name: str, graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Every environment from which a release can come to this one, in any number of steps, sorted."""
    found: set[str] = set()
    waiting = list(graph.get(name, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += graph.get(each, ())
    return tuple(sorted(found))


def cycle_through(name: str, graph: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """A way from an environment back to itself, in the direction in which releases go; empty for none."""
    came_from: dict[str, str] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        for each in graph.get(current, ()):
            if each == name:
                way = [current]
                while way[-1] != name:
                    way.append(came_from[way[-1]])
                return (name, *way)
            if each not in came_from:
                came_from[each] = current
                waiting.append(each)
    return ()


def _sources(file: Path) -> tuple[str, ...]:
    documents, _ = read_documents(file, file.name, WISH_LIMITS)
    value = documents[0].value if documents else None
    for step in _SOURCES:
        value = value.get(step) if isinstance(value, dict) else None
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _error(place: Place, path: str, message: str, remedy: str) -> SpecError:
    return SpecError(place.file, place.line(path), path, message, remedy)
