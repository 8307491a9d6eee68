"""Model architectures: what of a model decides how much GPU memory it takes.

A row describes a transformer by the numbers of its published ``config.json``; quantised or fine-tuned copies of a model
share its row. ``parameters`` is the published total where there is one, else it is counted from the structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from gpuplane.catalog.data_files import read_yaml

AttentionKind = Literal["full", "sliding", "chunked", "linear", "mla"]


@dataclass(frozen=True)
class AttentionLayers:
    """Layers of one kind of attention, all alike.

    Attributes:
        kind: ``full``; ``sliding`` (a window) and ``chunked`` (the chunk it lies in) look back ``window`` tokens at most;
            ``linear`` keeps a state of fixed size; ``mla`` keeps one compressed vector a token (DeepSeek-V2, §2.1).
        count: number of such layers.
        kv_heads: key-value heads; 1 for ``mla``, 0 for ``linear``.
        head_dim: elements of a head; of ``mla`` the compressed vector with its rotary part.
        window: tokens of a window or chunk; 0 where there is none.
    """

    kind: AttentionKind
    count: int
    kv_heads: int
    head_dim: int
    window: int = 0


@dataclass(frozen=True)
class LinearState:
    """State of a linear-attention layer (gated delta net), of fixed size for each request.

    Attributes:
        value_heads, key_heads, value_dim, key_dim: heads and elements of a head.
        conv_kernel: width of the short convolution in front.
    """

    value_heads: int
    key_heads: int
    value_dim: int
    key_dim: int
    conv_kernel: int


@dataclass(frozen=True)
class ModelArchitecture:
    """One architecture, with its size.

    Attributes:
        name: name of the row, or the file it was read from.
        models: model repositories that have it.
        dtype: type of the published weights, e.g. ``bfloat16``.
        hidden_size, intermediate_size, vocab_size, attention_heads: as in ``config.json``.
        attention: its layers by kind.
        parameters: all parameters, experts and vision tower included.
        counted: True where ``parameters`` was counted from the structure, not published.
        embedding_parameters: input embedding and output head, one of them where they are tied.
        expert_parameters: parameters of routed experts; 0 for dense models.
        vision_parameters: parameters of the vision or audio tower.
        gated: the MLP has a gate (three matrices), as all recent models have.
        experts_per_token, expert_intermediate_size: of the routed experts; 0 for dense models.
        index_head_dim: of the indexer of sparse attention (DeepSeek-V3.2); 0 without one.
        max_model_len: longest context the model was made for, in tokens; None where not known.
        multimodal: it takes images or sound: start-up profiles an encoder as well.
        generates: False for encoders, which keep no KV cache.
        linear: state of its ``linear`` layers.
        quantization: how the published weights are quantised, as ``config.json`` says it; None: not at all.
        verified: the numbers were compared with a published ``config.json``.
        source, as_of: where the row comes from, and of which day it speaks.
    """

    name: str
    models: tuple[str, ...]
    dtype: str
    hidden_size: int
    intermediate_size: int
    vocab_size: int
    attention_heads: int
    attention: tuple[AttentionLayers, ...]
    parameters: int
    counted: bool
    embedding_parameters: int
    expert_parameters: int = 0
    vision_parameters: int = 0
    gated: bool = True
    experts_per_token: int = 0
    expert_intermediate_size: int = 0
    index_head_dim: int = 0
    max_model_len: int | None = None
    multimodal: bool = False
    generates: bool = True
    linear: LinearState | None = None
    quantization: str | None = None
    verified: bool = False
    source: str = ""
    as_of: str = ""

    @property
    def layers(self) -> int:
        """All layers."""
        return sum(group.count for group in self.attention)


class UnknownShape(ValueError):
    """A row or ``config.json`` that does not say what memory depends on; the message names what is missing."""


@cache
def load_models() -> Mapping[str, ModelArchitecture]:
    """Every architecture of the catalogue by the name of its row."""
    data = read_yaml("models.yaml")
    return MappingProxyType({name: parse_model(name, {"as_of": data["as_of"], **row}) for name, row in data["models"].items()})


def parse_model(name: str, row: Mapping[str, Any]) -> ModelArchitecture:
    """A row of ``models.yaml``, or of a user's own file.

    Args:
        name: name of the row.
        row: ``config`` (fields as in a ``config.json``), ``models``, ``source``, and where they are known ``parameters``
            (billions), ``vision_parameters`` (billions) and ``verified``.

    Raises:
        UnknownShape: a field that memory depends on is missing.
    """
    from gpuplane.catalog.model_config import architecture

    return architecture(
        row["config"], name, models=tuple(row.get("models", ())), source=row.get("source", ""), as_of=str(row.get("as_of", "")),
        verified=bool(row.get("verified")),
        parameters=billions(row.get("parameters")), vision_parameters=billions(row.get("vision_parameters")) or 0)


def billions(value: Any) -> int | None:
    """``7.6`` billions as a whole number of parameters; None stays None."""
    return round(float(value) * 1_000_000_000) if value is not None else None


def find_model(models: Iterable[ModelArchitecture], wanted: str) -> ModelArchitecture | None:
    """The architecture of a model repository, or of a quantised or tuned copy whose name says what it is a copy of.

    Args:
        models: where to look.
        wanted: ``Qwen/Qwen2.5-7B-Instruct``, a copy such as ``someone/Qwen2.5-7B-Instruct-AWQ``, or the name of a row.
    """
    known = list(models)
    for model in known:
        if wanted == model.name or wanted.lower() in (name.lower() for name in model.models):
            return model
    stem = _stem(wanted)
    found = [model for model in known if stem == _stem(model.name) or stem in {_stem(name) for name in model.models}]
    return found[0] if len({model.name for model in found}) == 1 else None


_NO_MATTER = re.compile(
    r"\([^)]*\)|(?<![a-z0-9.])(instruct|it|chat|base|hf|awq|gptq|int4|int8|fp8|nvfp4|mxfp4|dynamic|quantized|quantised|bnb|[48]bit|unsloth|gguf|"
    r"q[2-8]_[0-9k]+(_[sml])?|w[48]a(16|8)|autoround|auto|round|marlin|meta|mtp|[0-9]{4})(?![a-z0-9.]*[a-z0-9])")


def _stem(name: str) -> str:
    """The name without organisation, tuning and quantisation: what is left names the architecture."""
    bare = name.lower().rpartition("/")[2].replace("quantized.w", "quantized-w")
    return "".join(re.findall(r"[a-z0-9.]+", _NO_MATTER.sub(" ", bare)))
