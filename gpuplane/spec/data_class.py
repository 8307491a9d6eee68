"""Data classes in what people write: the five words, and a synonym that means one of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from gpuplane.spec.vocabulary import DATA_CLASS_SYNONYMS, DATA_CLASSES


def canonical(word: Any) -> Any:
    """The class that a synonym means; anything else is left for the validator to judge."""
    return DATA_CLASS_SYNONYMS.get(word, word) if isinstance(word, str) else word


DataClass = Annotated[
    Literal["public", "internal", "confidential", "personal", "special"], BeforeValidator(canonical),
    WithJsonSchema({"type": "string", "enum": [*DATA_CLASSES, *DATA_CLASS_SYNONYMS]})]
"""A data class; ``pii`` is read as ``personal``."""
