"""Names of people and places in free text, by Presidio and a language model: the optional extra ``gpuplane[presidio]``.

Off unless an environment names a model: a language model takes seconds to load, and finds people in many a product's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from gpuplane.graph.text_leaves import Leaf

_KINDS: Final = {"PERSON": "a person's name", "LOCATION": "a place or an address"}
"""What Presidio is asked for; its other recognisers look for what check digits know better."""
_SURE: Final = 0.8
"""Least score of a find; spaCy's entities have 0.85 in Presidio."""


def available(model: str) -> bool:
    """Whether Presidio and the language model are installed. Presidio would fetch a missing model itself, and gpuplane opens no sockets."""
    if find_spec("presidio_analyzer") is None or find_spec("spacy") is None:
        return False
    return bool(import_module("spacy").util.is_package(model))


def names(leaf: Leaf, model: str) -> Iterator[str]:
    """What a text of several words says of people and places, each kind in words once; never the value.

    Args:
        leaf: the text.
        model: spaCy model that is :func:`available`, e.g. ``en_core_web_lg``; its language is English.
    """
    if len(leaf.text.split()) > 1:
        found = _analyzer(model).analyze(text=leaf.text, language="en", entities=list(_KINDS), score_threshold=_SURE)
        yield from dict.fromkeys(_KINDS[result.entity_type] for result in found)


@cache
def _analyzer(model: str) -> Any:
    presidio, engines = import_module("presidio_analyzer"), import_module("presidio_analyzer.nlp_engine")
    provider = engines.NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]})
    return presidio.AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
