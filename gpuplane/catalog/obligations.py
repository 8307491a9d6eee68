"""What must be done for each class of data: rows that an environment may make stricter, never weaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from gpuplane.catalog.data_files import read_yaml, sources
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import SpecError
from gpuplane.spec.obligations import ClassObligations, Fallback, Permission
from gpuplane.spec.policies import Policies
from gpuplane.spec.vocabulary import DATA_CLASSES

_ORDER: Final = ("allowed", "approved", "agreement", "forbidden")
"""Permissions, weakest first."""


@dataclass(frozen=True)
class Obligations:
    """What must be done for data of one class (the fields of :class:`gpuplane.spec.obligations.ClassObligations`).

    Attributes:
        customer_keys, tls, residency, authentication, access_log: whether it must be so.
        retention_days, offboarding_days: longest time, in days; None: no limit.
        payload_logging, trace_capture, cache_sharing: ``allowed`` or ``forbidden``.
        external_fallback: ``allowed``, ``approved``, ``agreement`` or ``forbidden``.
        source, as_of: where the row comes from, and the day that speaks of.
    """

    customer_keys: bool = False
    tls: bool = False
    residency: bool = False
    retention_days: int | None = None
    payload_logging: Permission = "allowed"
    trace_capture: Permission = "allowed"
    cache_sharing: Permission = "allowed"
    external_fallback: Fallback = "allowed"
    authentication: bool = False
    access_log: bool = False
    offboarding_days: int | None = None
    source: str = ""
    as_of: date = date.min


NONE: Final = Obligations()
"""What must be done for data of which nobody says the class; that nobody does is a finding of its own (PII-01)."""
NAMES: Final = tuple(field.name for field in fields(Obligations) if field.name not in ("source", "as_of"))
"""Obligations, in the order of reports."""


@cache
def load_obligations() -> Mapping[str, Obligations]:
    """Every row of the catalogue by data class, least sensitive first."""
    rows = read_yaml("obligations.yaml")["obligations"]
    return MappingProxyType({name: _row(rows[name]) for name in DATA_CLASSES})


def _row(row: Mapping[str, Any]) -> Obligations:
    source = sources()[row["source"]]
    return Obligations(**{**row, "source": source.text, "as_of": source.as_of})


def weaker(one: Any, other: Any) -> bool:
    """Whether the first value of an obligation asks for less than the second; None is no limit in days."""
    if isinstance(other, bool):
        return other and not one
    if isinstance(other, str):
        return _ORDER.index(one) < _ORDER.index(other)
    return other is not None and (one is None or one > other)


def strengthened(parameters: Policies) -> Mapping[str, Obligations]:
    """The catalogue's rows with what an environment demands beyond them, by data class.

    What asks for less than the catalogue changes nothing (:func:`weakened` says so); a more sensitive class is owed at least what a
    less sensitive one is.
    """
    demanded: Mapping[str, ClassObligations] = {str(name): row for name, row in parameters.obligations.items()}
    found: dict[str, Obligations] = {}
    below = NONE
    for name, row in load_obligations().items():
        said = demanded.get(name)
        for candidate in (said, below):
            stricter = {each: value for each in NAMES if candidate is not None and (value := getattr(candidate, each)) is not None
                        and weaker(getattr(row, each), value)}
            row = replace(row, **stricter)
        found[name] = below = row
    return MappingProxyType(found)


def weakened(spec: EnvironmentSpec) -> Iterator[SpecError]:
    """An error for each obligation of ``environment.yaml`` that asks for less than the catalogue does."""
    place = spec.places["Environment", spec.name]
    demanded: Mapping[str, ClassObligations] = {str(name): row for name, row in spec.environment.spec.policies.obligations.items()}
    for name, row in demanded.items():
        for each in NAMES:
            value, least = getattr(row, each), getattr(load_obligations()[name], each)
            if value is not None and weaker(value, least):
                path = f"spec.policies.obligations.{name}.{each}"
                yield SpecError(place.file, place.line(path), path, f"{_said(value)} is weaker than what {name} data is owed anyway: "
                                f"{_said(least)}.", "Remove it, or make it stricter.")


def _said(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
