"""What manifests alone do not say and rules ask for: nodes that AWS makes, prices, releases, parameters, exemptions. Kept beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import object_in
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.spec.catalog import Catalog
from gpuplane.spec.exemptions import Exemption
from gpuplane.spec.policies import Policies

FILE = "judged-with.json"
SCHEMA_VERSION = 1
_MOST_BYTES = 50_000_000
_FIELDS = ("urn", "type", "kind", "namespace", "name", "layer", "parent", "custom", "protect", "file", "line")
_UNKNOWN = "$unknown"


@dataclass(frozen=True)
class JudgedWith:
    """The context of a verdict on manifests.

    Attributes:
        policies: the environment's parameters of rules.
        exemptions: what is waived.
        catalogs: the user's own facts.
        resources: planned resources that are no manifests.
    """

    policies: Policies
    exemptions: tuple[Exemption, ...]
    catalogs: tuple[Catalog, ...]
    resources: tuple[ResourceView, ...]

    def to_json(self) -> str:
        """As text: keys sorted, two spaces."""
        return json.dumps({
            "schema_version": SCHEMA_VERSION, "policies": _dumped(self.policies), "exemptions": [_dumped(each) for each in self.exemptions],
            "catalogs": [_dumped(each) for each in self.catalogs], "resources": [_resource(view) for view in self.resources],
        }, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_judged_with(folder: Path) -> JudgedWith:
    """The context beside rendered manifests.

    Raises:
        CannotStart: it is not there, or is not what was written.
    """
    path = folder / FILE
    try:
        if path.is_symlink():
            raise ValueError("a link")
        found = object_in(path, _MOST_BYTES)
        if found["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema version is {found['schema_version']}, this gpuplane's is {SCHEMA_VERSION}")
        return JudgedWith(
            _loaded(Policies, found["policies"]), tuple(_loaded(Exemption, each) for each in found["exemptions"]),
            tuple(_loaded(Catalog, each) for each in found["catalogs"]), tuple(_view(row) for row in found["resources"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise CannotStart(f"{path} is not what gpuplane render wrote: {error}") from None


def _dumped(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _loaded(model: Any, value: Any) -> Any:
    return model.model_validate_json(json.dumps(value), by_alias=True, by_name=False)


def _resource(view: ResourceView) -> dict[str, Any]:
    return {**{key: getattr(view, key) for key in _FIELDS}, "props": _encoded(view.props)}


def _view(row: Mapping[str, Any]) -> ResourceView:
    return ResourceView(**{key: row[key] for key in _FIELDS}, props=_decoded(row["props"]))


def _encoded(value: Any) -> Any:
    if isinstance(value, Unknown):
        return {_UNKNOWN: [value.urn, value.property]}
    if isinstance(value, Mapping):
        return {str(key): _encoded(item) for key, item in value.items()}
    return [_encoded(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return Unknown(*value[_UNKNOWN]) if value.keys() == {_UNKNOWN} else {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value
