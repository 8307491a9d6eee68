"""Whether labels exist that some selectors match and others do not: what a tenant may label a pod is not known before it does.

A proof over the pods that are planned would hold only until somebody starts another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.resource_view import Unknown, items, lookup, mapping

_NEGATED = {"In": "NotIn", "NotIn": "In", "Exists": "DoesNotExist", "DoesNotExist": "Exists"}


@dataclass(frozen=True)
class Atom:
    """One demand on one label; operators are those of a LabelSelector."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    @property
    def negated(self) -> Atom:
        """Its opposite."""
        return Atom(self.key, _NEGATED[self.operator], self.values)


@dataclass(frozen=True)
class Demand:
    """A LabelSelector: all atoms hold.

    Attributes:
        atoms: what it demands; none: it matches everything.
        nothing: it matches no labels at all.
        unknown: a part that only apply knows was left out: it matches at most what it says here.
    """

    atoms: frozenset[Atom] = frozenset()
    nothing: bool = False
    unknown: bool = False


EVERYTHING = Demand()


def demand(selector: Any) -> Demand:
    """A LabelSelector as a demand; None matches nothing, an :class:`Unknown` may match everything."""
    if isinstance(selector, Unknown):
        return Demand(unknown=True)
    if not isinstance(selector, Mapping):
        return Demand(nothing=True)
    wanted, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    atoms, hidden = set[Atom](), isinstance(wanted, Unknown) or isinstance(expressions, Unknown)
    for key, value in mapping(wanted).items():
        hidden |= isinstance(value, Unknown)
        if not isinstance(value, Unknown):
            atoms.add(Atom(str(key), "In", frozenset({str(value)})))
    for expression in items(expressions):
        atom = _atom(expression)
        hidden |= atom is None
        atoms |= {atom} if atom is not None else set()
    return Demand(frozenset(atoms), unknown=hidden)


def _atom(expression: Any) -> Atom | None:
    key, operator, values = (lookup(expression, part) for part in ("key", "operator", "values"))
    if operator not in _NEGATED or isinstance(key, Unknown) or isinstance(values, Unknown) or any(
            isinstance(value, Unknown) for value in items(values)):
        return None
    return Atom(str(key), str(operator), frozenset(str(value) for value in items(values)))


def fits(wanted: Demand, labels: Mapping[str, Any], whole: bool = True) -> bool | None:
    """Whether known labels meet a demand; None where that is not known (a part of either is unknown).

    Args:
        wanted: the demand.
        labels: labels; a value may be an :class:`Unknown`.
        whole: whether these are all labels there are.
    """
    if wanted.nothing:
        return False
    verdicts = [_holds(atom, labels, whole) for atom in wanted.atoms]
    if False in verdicts:
        return False
    return None if None in verdicts or wanted.unknown else True


def _holds(atom: Atom, labels: Mapping[str, Any], whole: bool) -> bool | None:
    if atom.key not in labels:
        return None if not whole else atom.operator in ("NotIn", "DoesNotExist")
    value = labels[atom.key]
    if atom.operator in ("Exists", "DoesNotExist"):
        return atom.operator == "Exists"
    if isinstance(value, Unknown):
        return None
    return (str(value) in atom.values) == (atom.operator == "In")


@lru_cache(maxsize=65536)
def possible(met: frozenset[Demand], unmet: frozenset[Demand] = frozenset(), surely: bool = False) -> bool:
    """Whether there are labels that meet all demands of ``met`` and none of ``unmet``.

    Args:
        met, unmet: the demands.
        surely: whether it has to hold whatever the unknown parts turn out to be; else it is enough that it can.
    """
    if any(each.nothing or (surely and each.unknown) for each in met):
        return False
    atoms = frozenset(atom for each in met for atom in each.atoms)
    return _consistent(atoms) and _search(atoms, [each for each in unmet if not each.nothing and (surely or not each.unknown)])


def _search(atoms: frozenset[Atom], unmet: list[Demand]) -> bool:
    if not unmet:
        return True
    first, *others = unmet
    return any(_consistent(atoms | {atom.negated}) and _search(atoms | {atom.negated}, others)
               for atom in sorted(first.atoms, key=_order))


def _order(atom: Atom) -> tuple[str, str, list[str]]:
    return atom.key, atom.operator, sorted(atom.values)


def _consistent(atoms: frozenset[Atom]) -> bool:
    by_key: dict[str, list[Atom]] = {}
    for atom in atoms:
        by_key.setdefault(atom.key, []).append(atom)
    return all(_one_value(each) for each in by_key.values())


def _one_value(atoms: list[Atom]) -> bool:
    """Whether one label can meet all its atoms: it is absent, or has a value that all of them take."""
    if all(atom.operator in ("NotIn", "DoesNotExist") for atom in atoms):
        return True
    if any(atom.operator == "DoesNotExist" for atom in atoms):
        return False
    listed = [atom.values for atom in atoms if atom.operator == "In"]
    if not listed:
        return True  # there are more values than anybody can list
    return bool(frozenset.intersection(*listed) - frozenset().union(*(atom.values for atom in atoms if atom.operator == "NotIn")))
