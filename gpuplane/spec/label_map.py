"""The ``--labels`` file: which keys of somebody's manifests mean tenant, environment, budget and the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from gpuplane.spec.data_class import DataClass, canonical
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.explain import explain
from gpuplane.spec.model import SpecModel
from gpuplane.spec.vocabulary import LabelMap
from gpuplane.spec.yaml_source import WISH_LIMITS, read_documents


def _listed(value: object) -> object:
    """One alias may stand without brackets."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _once(value: object) -> object:
    """A class that stands under its own word and a synonym has two lists, of which one would be lost."""
    keys = [canonical(key) for key in value] if isinstance(value, Mapping) else []
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise PydanticCustomError("twice", "{name} stands here under two words that mean the same", {"name": twice})
    return value


_Key = Annotated[str | None, Field(min_length=1, max_length=317)]
_Aliases = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]


class LabelMapFile(SpecModel):
    """Label or annotation keys; a key that is left out is gpuplane's own."""

    tenant: _Key = None
    environment: _Key = None
    data_classification: _Key = None
    monthly_budget_usd: _Key = None
    cost_center: _Key = None
    allowed_regions: _Key = None
    allowed_registries: _Key = None
    allowed_model_sources: _Key = None
    data_classes: Annotated[dict[DataClass, _Aliases], BeforeValidator(_once)] = Field(default_factory=dict)
    """Other words for a data class, e.g. ``personal: [pd, gdpr]``."""


def load_label_map(path: Path) -> LabelMap:
    """Read a ``--labels`` file.

    Raises:
        InvalidSpec: with everything that is wrong with it.
    """
    documents, errors = read_documents(path, path.as_posix(), WISH_LIMITS)
    if errors:
        raise InvalidSpec(errors)
    if len(documents) != 1 or not isinstance(documents[0].value, Mapping):
        raise InvalidSpec([SpecError(path.as_posix(), 0, "", "is not one mapping of names to label keys.",
                                     f"Allowed: {', '.join(LabelMapFile.model_fields)}.")])
    try:
        said = LabelMapFile.model_validate_json(json.dumps(documents[0].value))
    except ValidationError as error:
        raise InvalidSpec([explain(each, documents[0], LabelMapFile) for each in error.errors(include_url=False)]) from None
    keys = {name: value for name, value in said if value is not None and name != "data_classes"}
    aliases = {str(name): words for name, words in said.data_classes.items()}
    return LabelMap(**keys, data_classes=MappingProxyType(aliases))
