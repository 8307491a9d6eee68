"""Seeds that are no YAML of ours: results, price lists, reports, records, as the tools that write them do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory


@cache
def model_configs() -> tuple[bytes, ...]:
    """``config.json`` of models: dense, with a sliding window, mixture of experts, latent attention, hybrid, quantized, multimodal, encoder."""
    dense = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
             "num_attention_heads": 28, "num_key_value_heads": 4, "max_position_embeddings": 32768, "torch_dtype": "bfloat16", "vocab_size": 152064,
             "tie_word_embeddings": False}
    moe = {**dense, "architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "num_experts": 128, "num_experts_per_tok": 8,
           "moe_intermediate_size": 768, "head_dim": 128, "decoder_sparse_step": 1, "mlp_only_layers": []}
    latent = {**dense, "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "kv_lora_rank": 512, "q_lora_rank": 1536,
              "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "n_routed_experts": 256, "n_shared_experts": 1,
              "num_experts_per_tok": 8, "first_k_dense_replace": 3, "moe_intermediate_size": 2048,
              "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}}
    window = {**dense, "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "sliding_window": 1024, "sliding_window_pattern": 6,
              "layer_types": ["sliding_attention"] * 27 + ["full_attention"]}
    hybrid = {**dense, "architectures": ["NemotronHForCausalLM"], "model_type": "nemotron_h", "hybrid_override_pattern": "M-M*-" * 5, "ssm_state_size": 128,
              "mamba_num_heads": 128, "mamba_head_dim": 64, "conv_kernel": 4, "n_groups": 8}
    vision = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "text_config": dense,
              "vision_config": {"hidden_size": 1280, "depth": 32, "num_heads": 16, "patch_size": 14}}
    awq = {**dense, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "modules_to_not_convert": None}}
    encoder = {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
               "intermediate_size": 3072, "vocab_size": 30522, "max_position_embeddings": 512}
    return tuple(json.dumps(each, indent=1).encode() for each in (dense, moe, latent, window, hybrid, vision, awq, encoder))


def startup_logs() -> tuple[bytes, ...]:
    """What vLLM says at its start."""
    return ((b"INFO 11-19 10:15:02 [gpu_model_runner.py:2392] Model loading took 14.2717 GiB and 5.324621 seconds\n"
            b"INFO 11-19 10:15:31 [gpu_worker.py:298] Available KV cache memory: 4.93 GiB\n"
            b"INFO 11-19 10:15:31 [kv_cache_utils.py:864] GPU KV cache size: 92,304 tokens\n"
            b"INFO 11-19 10:15:31 [kv_cache_utils.py:868] Maximum concurrency for 32,768 tokens per request: 2.82x\n"
            b"INFO 11-19 10:15:40 [gpu_model_runner.py:3118] Graph capturing finished in 8 secs, took 0.54 GiB\n"),)


def label_maps() -> tuple[bytes, ...]:
    """What ``--labels`` takes."""
    return (b"tenant: example.com/team\nenvironment: env\ndata_classification: class\nallowed_regions: regions\nallowed_registries: [a, b]\n",
            b"data_classes: {pii: [customer, GDPR], internal: [green]}\nmonthly_budget_usd: budget\ncost_center: cc\n")


@cache
def results() -> tuple[bytes, ...]:
    """Files of lm-evaluation-harness, vllm bench serve, and the generic form."""
    from tests.delivery.promotion.results import bench_serve, lm_eval

    generic = {"schema_version": 1, "measured_on": "2026-11-01", "model": "a/b", "revision": "a" * 40, "measures": {
        "accuracy": {"counted": 900, "samples": 1000, "better": "higher"}, "ttft": {"values": [0.1, 0.2, 0.15] * 20, "better": "lower"},
        "score": {"mean": 0.5, "standard_error": 0.01, "samples": 100, "better": "higher"}}}
    return tuple(json.dumps(each).encode() for each in (lm_eval(), bench_serve(requests=6), bench_serve(requests=400, detailed=False), generic))


@cache
def offers() -> tuple[bytes, ...]:
    """AWS's offer files in CSV."""
    from tests.catalog.offer_file import LEFT, READ, offer_file

    return (offer_file([*READ, *LEFT]).encode(), offer_file(READ[:2]).encode())


def spot() -> tuple[bytes, ...]:
    """The spot advisor's data."""
    from tests.catalog.test_offer_files import ADVISOR

    return (json.dumps(ADVISOR).encode(),)


@cache
def previews() -> tuple[bytes, ...]:
    """``plan.json`` of previews, which a workflow takes from a run that it does not trust."""
    from gpuplane.delivery.render_json import to_json
    from tests.delivery.reports import refused, report

    return (to_json(refused()).encode(), to_json(report()).encode())


@cache
def audits() -> tuple[bytes, ...]:
    """A record of the audit log."""
    from gpuplane.delivery.audit import AuditEvent, AuditLog, Who

    with TemporaryDirectory() as folder:
        AuditLog(folder).append(AuditEvent("break-glass", "prod", "prod-tenants", "done", {"graph": f"sha256:{'ab' * 32}"},
                                           {"reason": "fire", "tenants": ["search"]}), Who("bob", "local", "none"), datetime(2026, 10, 1, tzinfo=UTC))
        return tuple(path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file())


def samples() -> tuple[bytes, ...]:
    """What ``gpuplane canary --samples`` reads."""
    return tuple(json.dumps(each).encode() for each in (
        {"held_seconds": 4000, "ready": 1, "measures": {"errors": {"bad": 2, "total": 4000, "stable": {"bad": 20, "total": 36000}}}},
        {"held_seconds": 10, "ready": 0, "measures": {"errors": [0.1, 0.2]}}, {"held_seconds": 0.5, "ready": 3, "measures": {}}))


def outputs() -> tuple[bytes, ...]:
    """Values that only apply can know."""
    return (b'{"Cluster eks": {"endpoint": "https://a.example", "certificateAuthority.data": "QQ=="}, "Role a/b": {"arn": "arn:aws:iam::1:role/a"}}',)


def state_copies() -> tuple[bytes, ...]:
    """The index of a copy of state."""
    return (json.dumps({"schema_version": 1, "kind": "gpuplane-state-copy", "environment": "staging", "at": "2026-08-01T00:00:00Z", "stacks": {
        "staging-tenants": {"digest": f"sha256:{'0' * 64}", "resources": 3}}}).encode(),)


@cache
def provenances() -> tuple[bytes, ...]:
    """The file that says what a rendered folder is."""
    return (json.dumps({
        "schema_version": 1, "environment": "dev", "verdict": "pass", "files": {"platform/a.yaml": f"sha256:{'0' * 64}"}, "commit": "a" * 40,
        "as_of": "2026-08-01", "inputs": {}, "rules": {"count": 1, "digest": "x"}, "catalogue": {}, "waived": [], "not_rendered": []}).encode(),)
