"""What promotion moves, as plain values: its digest, and where two differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.spec.evaluation import EvaluationSpec
from gpuplane.spec.inference_service import InferenceServiceSpec
from gpuplane.spec.llm_inference_service import LLMInferenceServiceSpec

BLOCKS = ("release", "lora")
"""Fields of a service's ``spec`` that move: the release, and the adapters beside it."""
LEFT_OUT = "left out"


@dataclass(frozen=True)
class FieldDifference:
    """A field in which two releases or platforms differ, as text; ``left out`` where one does not have it."""

    path: str
    here: str
    there: str


def moved(spec: InferenceServiceSpec | LLMInferenceServiceSpec | EvaluationSpec) -> dict[str, Any]:
    """Release and adapters as JSON values, without what is left at its default: writing a default changes nothing."""
    found = {name: getattr(spec, name, None) for name in BLOCKS}
    return {name: block.model_dump(mode="json", by_alias=True, exclude_defaults=True) for name, block in found.items() if block is not None}


def release_digest(value: Mapping[str, Any]) -> str:
    """``sha256:…`` of what :func:`moved` gives."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def digest_of(spec: InferenceServiceSpec | LLMInferenceServiceSpec | EvaluationSpec) -> str:
    """Digest of the release that a service has, or that was evaluated."""
    return release_digest(moved(spec))


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[FieldDifference, ...]:
    """Every field in which two values differ, by path."""
    one, other = dict(_leaves(here, "")), dict(_leaves(there, ""))
    return tuple(FieldDifference(path, one.get(path, LEFT_OUT), other.get(path, LEFT_OUT))
                 for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key in value:
            yield from _leaves(value[key], f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value if isinstance(value, str) and value.isprintable() else json.dumps(value)
