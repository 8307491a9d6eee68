"""One planned resource, in the one shape that rules, reports and diffs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})
SCALARS = frozenset({str, int, float, bool, type(None)})
"""Types of nearly all values, which hold nothing below them."""


@dataclass(frozen=True)
class Unknown:
    """A value that only apply can know; it is neither true nor false nor empty."""

    urn: str
    property: str

    def __str__(self) -> str:
        return f"<known after apply: {self.property} of {self.urn}>"

    def __bool__(self) -> bool:
        raise TypeError(f"the value is unknown before apply: {self.property} of {self.urn}")


@dataclass(frozen=True)
class ResourceView:
    """One resource as it would be applied.

    Attributes:
        urn: Pulumi URN, or ``file#index`` of a manifest.
        type: Pulumi type token, e.g. ``kubernetes:core/v1:Namespace``; empty for a manifest file.
        api_version, kind, namespace, name: of a Kubernetes object; for others api_version is empty,
            kind is the type's last part and name the Pulumi name.
        props: the whole Kubernetes object, or the inputs of another resource, in camelCase.
        parent: URN of the parent, empty for none.
        layer: ``cluster``, ``platform`` or ``tenants``; empty for a manifest file.
        custom: False for a component, which is nothing in the cluster.
        protect: whether deletion is refused.
        file, line: where the wish (or the manifest) stands; line 0 is unknown.
    """

    urn: str
    type: str = ""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    props: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)
    parent: str = ""
    layer: str = ""
    custom: bool = True
    protect: bool = False
    dependencies: tuple[str, ...] = ()
    file: str = ""
    line: int = 0

    @property
    def is_kubernetes(self) -> bool:
        """Whether this is a Kubernetes object."""
        return bool(self.api_version)

    @cached_property
    def group(self) -> str:
        """API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @cached_property
    def is_told(self) -> bool:
        """Whether all of it is known before apply: nothing in it is an :class:`Unknown`."""
        return not any(True for _ in unknowns(self.props))

    @cached_property
    def labels(self) -> Mapping[str, Any]:
        """``metadata.labels``; empty where there are none."""
        return mapping(self.get("metadata", "labels"))

    @cached_property
    def annotations(self) -> Mapping[str, Any]:
        """``metadata.annotations``; empty where there are none."""
        return mapping(self.get("metadata", "annotations"))

    def get(self, *path: str | int) -> Any:
        """The value at ``path``, or None where it or a parent is missing (an :class:`Unknown` parent is returned)."""
        return lookup(self.props, *path)

    def __hash__(self) -> int:
        """Equal views have one URN; to hash all fields takes twenty times as long, and every look-up by view would."""
        return hash(self.urn)

    def __str__(self) -> str:
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"


def restored(fields: dict[str, Any]) -> ResourceView:
    """A view of which these are all fields, and no copy of them; a frozen class sets one after another, which takes ten times as long."""
    view = object.__new__(ResourceView)
    object.__setattr__(view, "__dict__", fields)
    return view


def look_up(view: ResourceView) -> None:
    """Fill what every rule asks of a view that holds nothing unknown: all at once takes less than one property after another."""
    metadata = mapping(view.props.get("metadata"))
    view.__dict__.update(is_told=True, group=view.api_version.rpartition("/")[0], labels=mapping(metadata.get("labels")),
                         annotations=mapping(metadata.get("annotations")))


def placed(view: ResourceView, file: str, line: int) -> ResourceView:
    """The same view, with the place where its wish stands."""
    found = object.__new__(ResourceView)
    fields = found.__dict__
    fields.update(view.__dict__)
    fields["file"], fields["line"] = file, line
    return found


def lookup(value: Any, *path: str | int) -> Any:
    """The value at ``path`` below ``value``, or None; stops at an :class:`Unknown` and returns it."""
    for step in path:
        if type(value) is dict:  # nearly always; asking an abstract class takes five times as long
            value = value.get(step)
        elif value is None:
            return None
        elif isinstance(value, Unknown):
            return value
        elif isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def told(value: Any, *path: str | int) -> Any:
    """The value at ``path`` as far as it is told before apply: None also where it is an :class:`Unknown`."""
    found = lookup(value, *path)
    return None if isinstance(found, Unknown) else found


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one."""
    return value if type(value) is dict or (value is not None and isinstance(value, Mapping)) else _NOTHING


def items(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return [*value] if isinstance(value, (list, tuple)) else []


def unknowns(value: Any, path: str = "") -> Iterator[tuple[str, Unknown]]:
    """Every unknown below ``value``, with its dotted path."""
    if type(value) in SCALARS:
        return iter(())
    found: list[tuple[str, Unknown]] = []
    _collect(value, path, found)
    return iter(found)


def _collect(value: Any, path: str, found: list[tuple[str, Unknown]]) -> None:
    if type(value) is not dict and isinstance(value, Unknown):
        found.append((path, value))
    elif type(value) is dict or isinstance(value, Mapping):
        for key, item in () if SCALARS.issuperset(map(type, value.values())) else value.items():
            if type(item) not in SCALARS:
                _collect(item, f"{path}.{key}" if path else str(key), found)
    elif isinstance(value, (list, tuple)):
        for index, item in () if SCALARS.issuperset(map(type, value)) else enumerate(value):
            if type(item) not in SCALARS:
                _collect(item, f"{path}[{index}]", found)
