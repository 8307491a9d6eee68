"""Model architectures: rows agree with what was published, and any config.json is read or refused with a reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gpuplane.catalog.data_files import read_yaml
from gpuplane.catalog.model_config import architecture
from gpuplane.catalog.models import UnknownShape, billions, find_model, load_models
from gpuplane.planning.memory.quantization import quantization
from gpuplane.planning.memory.weights import whole_weights

ROWS = read_yaml("models.yaml")["models"]
LLAMA = {"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False, "torch_dtype": "bfloat16",
         "max_position_embeddings": 131072}
MISCOUNTED = {"gemma-4-26b-a4b": 0.03, "gemma-4-31b": 0.02, "kimi-k2": 0.04, "kimi-k2-instruct": 0.04, "kimi-vl-a3b": 0.03, "llama4-scout": 0.01,
              "mistral-small-4-119b": 1.0, "qwen3.6-27b": 0.04, "qwen3.6-35b-a3b": 0.04, "bge-m3": 0.03}
"""Models whose config leaves parts unsaid: vision towers, multi-token heads, dense layers in front. All others agree to 0.1 %."""


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if "parameters" in row))
def test_parameters_counted_from_the_structure_agree_with_what_was_published(name: str) -> None:
    row = ROWS[name]
    published = billions(row.get("parameters"))
    counted = architecture(row["config"], name, vision_parameters=billions(row.get("vision_parameters")) or 0).parameters
    assert counted == pytest.approx(published, rel=MISCOUNTED.get(name, 0.001))


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_has_a_source_and_the_layers_it_says(name: str) -> None:
    model = load_models()[name]
    assert model.source
    assert date.fromisoformat(model.as_of) > date(2023, 1, 1)
    assert model.layers == ROWS[name]["config"]["num_hidden_layers"]
    assert model.attention_heads > 0 < model.vocab_size


def test_no_repository_stands_in_two_rows() -> None:
    names = [name for model in load_models().values() for name in model.models]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("wanted", "row"), [
    ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"), ("qwen/qwen2.5-7b-instruct", "qwen2.5-7b"), ("qwen2.5-7b", "qwen2.5-7b"),
    ("someone/Qwen2.5-7B-Instruct-AWQ", "qwen2.5-7b"), ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "qwen2.5-7b"),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8-dynamic", "llama3-8b"), ("unsloth/Llama-3.3-70B-Instruct-bnb-4bit", "llama3-70b"),
    ("neuralmagic/Llama-3.1-8B-Instruct-quantized.w4a16", "llama3-8b"), ("unsloth/Llama-3.2-3B-Instruct-GGUF", "llama3.2-3b"),
    ("Qwen/Qwen3-30B-A3B-FP8", "qwen3-30b-a3b"), ("gaunernst/gemma-3-27b-it-int4-awq", "gemma-3-27b"),
    ("acme/nothing-like-it-13b", None), ("", None), ("Qwen/Qwen2.5", None)])
def test_a_copy_is_known_by_the_name_of_what_it_copies(wanted: str, row: str | None) -> None:
    found = find_model(load_models().values(), wanted)
    assert (found.name if found else None) == row


def test_a_config_of_its_own_gives_the_same_as_the_row() -> None:
    mine, ours = architecture(LLAMA, "mine"), load_models()["llama3-8b"]
    assert mine.attention == ours.attention
    assert mine.parameters == pytest.approx(ours.parameters, rel=0.001)
    assert (mine.counted, mine.max_model_len, mine.multimodal) == (True, 131072, False)


@pytest.mark.parametrize(("change", "kinds"), [
    ({}, [("full", 32)]),
    ({"sliding_window": 4096}, [("sliding", 32)]),
    ({"sliding_window": 4096, "use_sliding_window": False}, [("full", 32)]),
    ({"model_type": "gemma2", "sliding_window": 4096}, [("full", 16), ("sliding", 16)]),
    ({"sliding_window": 512, "sliding_window_pattern": 4}, [("full", 8), ("sliding", 24)]),
    ({"sliding_window": 128, "layer_types": ["sliding_attention", "full_attention"] * 16}, [("full", 16), ("sliding", 16)]),
    ({"attention_chunk_size": 8192}, [("full", 8), ("chunked", 24)]),
    ({"kv_lora_rank": 512, "qk_rope_head_dim": 64}, [("mla", 32)]),
    ({"full_attention_interval": 4, "linear_num_value_heads": 32, "linear_num_key_heads": 16}, [("full", 8), ("linear", 24)])])
def test_kinds_of_attention(change: dict[str, Any], kinds: list[tuple[str, int]]) -> None:
    assert [(group.kind, group.count) for group in architecture({**LLAMA, **change}, "mine").attention] == kinds


def test_the_text_part_of_a_multimodal_config_counts_and_the_tower_is_added() -> None:
    tower = {"hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096}
    both = architecture({"model_type": "llava", "text_config": LLAMA, "vision_config": tower}, "mine")
    assert both.multimodal
    assert both.vision_parameters == 24 * (4 * 1024 * 1024 + 3 * 1024 * 4096)
    assert both.parameters == architecture(LLAMA, "mine").parameters + both.vision_parameters


LLAVA = {"model_type": "llava", "text_config": {"model_type": "llama", "vocab_size": 32064}, "vision_config": {"hidden_size": 1024}}
GEMMA = {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240,
                                                 "num_hidden_layers": 34, "sliding_window": 1024}, "vision_config": {}}


def test_what_a_file_leaves_out_is_what_transformers_takes() -> None:
    assert architecture(LLAVA, "mine").layers == 32
    gemma = architecture(GEMMA, "mine")
    assert (gemma.vocab_size, gemma.attention_heads, gemma.max_model_len) == (262_208, 8, 131_072)
    assert gemma.attention == load_models()["gemma-3-4b"].attention
    assert architecture({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024},
                        "mine").max_model_len == 1024


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if "checkpoint_gib" in row and not name.startswith("gpt-oss")))
def test_weights_take_about_what_the_published_checkpoint_does(name: str) -> None:
    """Not of gpt-oss, whose repository holds its weights twice."""
    model = load_models()[name]
    held = quantization(None, model.quantization, "")
    assert whole_weights(model, 2, held).expected == pytest.approx(ROWS[name]["checkpoint_gib"], rel=0.11 if name == "kimi-k2" else 0.07)  # Kimi K2 has 4 bits in its experts alone


@pytest.mark.parametrize(("said", "expected"), [
    ({"quant_method": "gptq", "bits": 8}, "gptq int8"), ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes int8"),
    ({"quant_method": "gptq", "bits": 4}, "gptq int4"), ({"quant_method": "fp8"}, "fp8"),
    ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes int4"),
    ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}}},
     "compressed-tensors fp8"),
    (None, None)])
def test_quantisation_is_read(said: Any, expected: str | None) -> None:
    assert architecture({**LLAMA, "quantization_config": said}, "mine").quantization == expected


@pytest.mark.parametrize(("config", "words"), [
    ({}, "hidden_size, num_hidden_layers, num_attention_heads, vocab_size"),
    ({**LLAMA, "vocab_size": "many"}, "vocab_size"),
    ({**LLAMA, "model_type": "mamba2"}, "size of its state is not modelled"), ({"model_type": "mamba"}, "state is not modelled"),
    ({"model_type": "whisper", "d_model": 384}, "cross attention is not modelled"), ({**LLAMA, "num_hidden_layers": -3}, "num_hidden_layers"),
    ({**LLAMA, "layer_types": ["full_attention"] * 3}, "3 of its 32 layers")])
def test_what_memory_depends_on_must_be_there(config: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownShape, match=words):
        architecture(config, "mine")
