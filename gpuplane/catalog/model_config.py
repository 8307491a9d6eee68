"""A model's ``config.json`` (Hugging Face transformers) as a :class:`ModelArchitecture`, parameters counted from the structure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.catalog.models import AttentionLayers, LinearState, ModelArchitecture, UnknownShape

_UNGATED = frozenset({"phi", "gpt2", "gpt_neox", "gptj", "opt", "falcon", "bloom", "starcoder2", "mpt", "gpt_bigcode", "bert", "roberta",
                      "xlm-roberta", "persimmon", "nomic_bert"})
"""Model types whose MLP has two matrices, not three."""
_ENCODERS = frozenset({"bert", "roberta", "xlm-roberta", "modernbert", "nomic_bert", "distilbert", "mpnet", "camembert", "deberta-v2"})
"""Model types that only encode: no KV cache."""
_ATTENTION_FREE = frozenset({"mamba", "mamba2", "falcon_mamba", "rwkv", "jamba", "bamba", "zamba", "zamba2", "nemotron_h",
                             "granitemoehybrid", "lfm2", "plamo2", "kimi_linear"})
"""Model types with state-space layers whose state sizes this catalogue does not model."""
_SLIDING_PATTERN = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "cohere2": 4, "gpt_oss": 2}
"""Every how many layers one looks at everything, where the file does not say (defaults of transformers)."""
_SPELLINGS = {
    "hidden_size": ("hidden_size", "n_embd", "d_model"), "num_hidden_layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("num_attention_heads", "n_head", "n_heads"), "vocab_size": ("vocab_size", "padded_vocab_size"),
    "intermediate_size": ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"),
    "num_key_value_heads": ("num_key_value_heads", "num_kv_heads", "multi_query_group_num"), "head_dim": ("head_dim", "kv_channels"),
    "max_position_embeddings": ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length", "max_sequence_length")}
_GEMMA3 = {"vocab_size": 262_208, "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "sliding_window": 4096,
           "max_position_embeddings": 131_072}
_DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "gemma3_text": _GEMMA3, "gemma3": _GEMMA3,
    "llama": {"hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32_000},
    "mistral": {"hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32,
                "num_key_value_heads": 8, "vocab_size": 32_000}}
"""What transformers takes where the text part of a file leaves a field out, as the files of multimodal models do."""
_ENCODER_DECODERS = frozenset({"t5", "mt5", "umt5", "bart", "mbart", "whisper", "pegasus", "marian", "florence2", "mllama"})
"""Model types with cross attention, whose second cache this catalogue does not model."""


@dataclass(frozen=True)
class _Config:
    """The text part of a file, and the whole of it."""

    text: Mapping[str, Any]
    whole: Mapping[str, Any]

    def get(self, *names: str) -> Any:
        """The first of these fields that is there, in the text part or outside; None where none is."""
        for part in (self.text, self.whole):
            for name in names:
                if part.get(name) is not None:
                    return part[name]
        return None

    def number(self, name: str, default: int = 0) -> int:
        """A whole number; the default where the field is missing or not a number."""
        value = self.get(*_SPELLINGS.get(name, (name,)))
        if value is None:
            value = _DEFAULTS.get(self.model_type, {}).get(name)
        return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e12 else default

    @property
    def model_type(self) -> str:
        return str(self.text.get("model_type") or self.whole.get("model_type") or "").lower()


def architecture(config: Mapping[str, Any], name: str, *, models: tuple[str, ...] = (), source: str = "", as_of: str = "",
                 verified: bool = False,
                 parameters: int | None = None, vision_parameters: int = 0) -> ModelArchitecture:
    """The architecture that a ``config.json`` describes.

    Args:
        config: the file, parsed.
        name: how to call it.
        parameters: the published total; None: count it.
        vision_parameters: parameters of the vision tower; 0: count it where the file has one.

    Raises:
        UnknownShape: a field that memory depends on is missing, or the model keeps a state that is not modelled.
    """
    fields = _Config(_text_part(config), config)
    if fields.model_type in _ENCODER_DECODERS:
        raise UnknownShape(f"{name} is a {fields.model_type} model: the cache of its cross attention is not modelled")
    if fields.model_type in _ATTENTION_FREE:
        raise UnknownShape(f"{name} is a {fields.model_type} model: the size of its state is not modelled")
    missing = [field for field in ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size") if not fields.number(field)]
    if missing:
        raise UnknownShape(f"{name} does not say {', '.join(missing)}")
    hidden, heads = fields.number("hidden_size"), fields.number("num_attention_heads")
    vision = vision_parameters or _vision(config)
    tied = _tied(fields, parameters, vision)
    embedding = fields.number("vocab_size") * hidden * (1 if tied else 2)
    experts = _expert_parameters(fields, hidden)
    counted = embedding + vision + experts + _dense(fields, hidden, heads)
    return ModelArchitecture(
        name=name, models=models, dtype=str(fields.get("torch_dtype", "dtype") or "bfloat16").removeprefix("torch."), hidden_size=hidden,
        intermediate_size=fields.number("intermediate_size", 4 * hidden), vocab_size=fields.number("vocab_size"), attention_heads=heads,
        attention=_attention(fields, name), parameters=parameters or counted, counted=parameters is None,
        embedding_parameters=embedding, expert_parameters=experts, vision_parameters=vision, gated=fields.model_type not in _UNGATED,
        experts_per_token=_first(fields, "num_experts_per_tok", "num_experts_per_token", "moe_top_k") if experts else 0,
        expert_intermediate_size=_expert_size(fields) if experts else 0, index_head_dim=fields.number("index_head_dim"),
        max_model_len=fields.number("max_position_embeddings") or None, multimodal=vision > 0 or "vision_config" in config,
        generates=fields.model_type not in _ENCODERS, linear=_linear(fields), quantization=_quantization(fields), verified=verified,
        source=source, as_of=as_of)


def _text_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("text_config", "llm_config", "language_config", "thinker_config"):
        part = config.get(key)
        if isinstance(part, Mapping):
            return _text_part(part)
    return config


def _first(fields: _Config, *names: str) -> int:
    return next((fields.number(name) for name in names if fields.number(name)), 0)


def _tied(fields: _Config, parameters: int | None, vision: int) -> bool:
    """Whether one matrix is both embedding and head; transformers leaves the field out where it is its model's default."""
    said = fields.get("tie_word_embeddings")
    if said is not None:
        return bool(said)
    if parameters is not None:
        hidden, heads = fields.number("hidden_size"), fields.number("num_attention_heads")
        rest = parameters - vision - _expert_parameters(fields, hidden) - _dense(fields, hidden, heads)
        return rest < 1.5 * fields.number("vocab_size") * hidden
    return fields.model_type.startswith(("gemma", "gpt2", "bloom", "opt", "falcon", "cohere")) or fields.model_type in _ENCODERS


def _head_dim(fields: _Config) -> int:
    return fields.number("head_dim") or fields.number("hidden_size") // fields.number("num_attention_heads")


def _kv_heads(fields: _Config) -> int:
    if fields.get("multi_query") and not fields.get("new_decoder_architecture"):
        return 1
    return fields.number("num_key_value_heads") or fields.number("num_attention_heads")


def _attention(fields: _Config, name: str) -> tuple[AttentionLayers, ...]:
    layers, lora = fields.number("num_hidden_layers"), fields.number("kv_lora_rank")
    if lora:
        return (AttentionLayers("mla", layers, 1, lora + fields.number("qk_rope_head_dim", 64)),)
    kv_heads, head_dim = _kv_heads(fields), _head_dim(fields)
    kinds = _layer_kinds(fields, layers)
    window = fields.number("sliding_window") or fields.number("window_size")
    chunk = fields.number("attention_chunk_size")
    groups = []
    for kind, count in kinds.items():
        if not count:
            continue
        if kind == "full":
            groups.append(AttentionLayers("full", count, fields.number("num_global_key_value_heads") or kv_heads,
                                          fields.number("global_head_dim") or head_dim))
        elif kind == "linear":
            groups.append(AttentionLayers("linear", count, 0, 0))
        elif kind == "chunked":
            groups.append(AttentionLayers("chunked", count, kv_heads, head_dim, chunk))
        else:
            groups.append(AttentionLayers("sliding", count, kv_heads, head_dim, window))
    if sum(group.count for group in groups) != layers:
        raise UnknownShape(f"{name} names layer types for {sum(group.count for group in groups)} of its {layers} layers")
    if any(group.kind == "linear" for group in groups) and _linear(fields) is None:
        raise UnknownShape(f"{name} has linear attention without linear_num_value_heads, linear_key_head_dim and the like")
    return tuple(groups)


def _layer_kinds(fields: _Config, layers: int) -> dict[str, int]:
    """Number of layers by kind, ``full`` first."""
    listed = fields.get("layer_types")
    if isinstance(listed, list):
        names = [str(kind) for kind in listed]
        return {"full": sum(kind.startswith(("full", "global", "attention")) for kind in names),
                "sliding": sum(kind.startswith(("sliding", "local")) for kind in names),
                "chunked": sum(kind.startswith("chunked") for kind in names),
                "linear": sum(kind.startswith("linear") for kind in names)}
    interval = fields.number("full_attention_interval")
    if interval and fields.number("linear_num_value_heads"):
        return {"full": layers // interval, "linear": layers - layers // interval}
    if fields.number("attention_chunk_size"):
        full = fields.number("full_layers") or layers // 4  # Llama 4: every fourth layer has no chunk (and no rotary embedding)
        return {"full": full, "chunked": layers - full}
    if not fields.number("sliding_window") or fields.get("use_sliding_window") is False:
        return {"full": layers}
    full = fields.get("full_layers")
    if full is None:
        pattern = fields.number("sliding_window_pattern") or _SLIDING_PATTERN.get(fields.model_type, 0)
        full = layers // pattern if pattern else 0
    return {"full": int(full), "sliding": layers - int(full)}


def _linear(fields: _Config) -> LinearState | None:
    heads = fields.number("linear_num_value_heads")
    if not heads:
        return None
    return LinearState(heads, fields.number("linear_num_key_heads", heads), fields.number("linear_value_head_dim", 128),
                       fields.number("linear_key_head_dim", 128), fields.number("linear_conv_kernel_dim", 4))


def _experts(fields: _Config) -> int:
    return _first(fields, "num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts")


def _expert_size(fields: _Config) -> int:
    return fields.number("moe_intermediate_size") or fields.number("intermediate_size")


def _moe_layers(fields: _Config) -> int:
    dense = fields.number("first_k_dense_replace")
    if not dense and fields.get("first_k_dense_replace") is None and fields.number("n_routed_experts"):
        dense = 1 if fields.number("num_hidden_layers") < 60 else 3  # DeepSeek-V2-Lite: 1, V3: 3
    step = max(1, fields.number("interleave_moe_layer_step", 1), fields.number("decoder_sparse_step", 1))
    return (fields.number("num_hidden_layers") - dense) // step


def _expert_parameters(fields: _Config, hidden: int) -> int:
    return _experts(fields) * 3 * hidden * _expert_size(fields) * _moe_layers(fields) if _experts(fields) > 1 else 0


def _dense(fields: _Config, hidden: int, heads: int) -> int:
    """Parameters of attention, dense MLPs, shared experts, routers and norms."""
    layers, matrices = fields.number("num_hidden_layers"), 2 if fields.model_type in _UNGATED else 3
    total = _attention_parameters(fields, hidden, heads) + 2 * layers * hidden
    if _experts(fields) <= 1:
        return total + layers * matrices * hidden * fields.number("intermediate_size", 4 * hidden)
    sparse = _moe_layers(fields)
    shared = fields.number("shared_expert_intermediate_size") or _first(fields, "n_shared_experts") * _expert_size(fields)
    if fields.number("attention_chunk_size"):  # Llama 4 always has one shared expert
        shared = shared or _expert_size(fields)
    if "gemma" in fields.model_type:  # Gemma 4: a dense MLP beside the experts
        shared = shared or fields.number("intermediate_size")
    dense_size = fields.number("intermediate_size_mlp") or fields.number("intermediate_size", 4 * hidden)
    return (total + sparse * hidden * (3 * shared + _experts(fields)) + (layers - sparse) * 3 * hidden * dense_size)


def _attention_parameters(fields: _Config, hidden: int, heads: int) -> int:
    layers, lora = fields.number("num_hidden_layers"), fields.number("kv_lora_rank")
    if lora:
        rope, nope = fields.number("qk_rope_head_dim", 64), fields.number("qk_nope_head_dim", 128)
        value, q_lora = fields.number("v_head_dim", 128), fields.number("q_lora_rank")
        if not q_lora and fields.get("q_lora_rank") is None and hidden >= 4096:
            q_lora = 1536  # DeepSeek-V3 and Kimi-K2; the small ones have none
        query = (hidden * q_lora + q_lora * heads * (nope + rope)) if q_lora else hidden * heads * (nope + rope)
        index = fields.number("index_head_dim") * (fields.number("index_n_heads", 64) * (q_lora or hidden) + hidden)
        return layers * (query + hidden * (lora + rope) + lora * heads * (nope + value) + heads * value * hidden + index)
    head_dim, kv_heads = _head_dim(fields), _kv_heads(fields)
    each = 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    kinds = _layer_kinds(fields, layers)
    linear = _linear(fields)
    if linear is not None:
        keys, values = linear.key_heads * linear.key_dim, linear.value_heads * linear.value_dim
        gate = hidden * heads * head_dim if fields.get("attn_output_gate") is not False else 0
        state = hidden * (2 * keys + 2 * values + 2 * linear.value_heads) + values * hidden
        return kinds["full"] * (each + gate) + kinds["linear"] * state
    wide, wide_heads = fields.number("global_head_dim") or head_dim, fields.number("num_global_key_value_heads") or kv_heads
    full = 2 * hidden * heads * wide + 2 * hidden * wide_heads * wide
    return kinds["full"] * full + (layers - kinds["full"]) * each


def _vision(config: Mapping[str, Any]) -> int:
    tower = config.get("vision_config")
    if not isinstance(tower, Mapping):
        return 0
    fields = _Config({**tower, "model_type": ""}, {})
    hidden = fields.number("hidden_size") or fields.number("embed_dim")
    depth = fields.number("num_hidden_layers") or fields.number("depth")
    wide = fields.number("intermediate_size", 4 * hidden)
    return depth * (4 * hidden * hidden + 3 * hidden * wide)


def _quantization(fields: _Config) -> str | None:
    """How the file says its weights are quantised: method and bits, e.g. ``gptq int4``."""
    said = fields.get("quantization_config")
    if not isinstance(said, Mapping):
        return None
    method = str(said.get("quant_method") or said.get("quant_algo") or "").lower()
    bits = said.get("bits") or said.get("num_bits")
    if bits is None and (said.get("load_in_4bit") or said.get("_load_in_4bit")):
        bits = 4
    if bits is None and (said.get("load_in_8bit") or said.get("_load_in_8bit")):
        bits = 8
    kind = ""
    for group in (said.get("config_groups") or {}).values():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping):
            bits, kind = weights.get("num_bits", bits), str(weights.get("type") or "")
    algorithm = str(said.get("quant_algo") or said.get("fmt") or "").lower()
    return " ".join(part for part in (method, f"{'fp' if kind == 'float' else 'int'}{bits}" if bits else "", algorithm) if part) or None
