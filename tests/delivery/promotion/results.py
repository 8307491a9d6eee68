"""Result files in the forms that lm-evaluation-harness and vllm bench serve write, with figures that nobody measured."""

from __future__ import annotations

import json
import math
import random
from typing import Any

NOTE = "Generated figures in the form of the real file: no model was run."
REVISION = "a09a35458c702b33eeacc393d103063234e8bc28"
MODEL = "Qwen/Qwen2.5-7B-Instruct"


def lm_eval(right: int = 1024, asked: int = 1319, **changes: Any) -> dict[str, Any]:
    """``results_….json`` of one task (keys of lm_eval/result_schema.py)."""
    value = right / asked
    error = math.sqrt(value * (1 - value) / (asked - 1))
    return {
        "note": NOTE,
        "results": {"gsm8k": {"name": "gsm8k", "alias": "gsm8k", "sample_len": asked, "exact_match,strict-match": value,
                              "exact_match_stderr,strict-match": error}},
        "group_subtasks": {"gsm8k": []}, "configs": {"gsm8k": {"task": "gsm8k", "output_type": "generate_until"}},
        "versions": {"gsm8k": 3.0}, "n-shot": {"gsm8k": 5}, "higher_is_better": {"gsm8k": {"exact_match": True}},
        "n-samples": {"gsm8k": {"original": 1319, "effective": asked}},
        "config": {"model": "local-completions", "model_args": f"model={MODEL},base_url=http://assistant/v1/completions,revision={REVISION}",
                   "batch_size": 1, "limit": None, "gen_kwargs": None, "bootstrap_iters": 100000},
        "git_hash": None, "date": 1795046400.0, "lm_eval_version": "0.4.9", "model_source": "local-completions", "model_name": MODEL,
        "chat_template_sha": None, "system_instruction": None, "total_evaluation_time_seconds": "912.5", **changes}


def bench_serve(seed: int = 1, requests: int = 400, scale: float = 1.0, failed: int = 0, detailed: bool = True, **changes: Any) -> dict[str, Any]:
    """The file of ``vllm bench serve --save-result``, with ``--save-detailed`` what it holds of each request."""
    chance = random.Random(seed)
    ttfts = [round(scale * chance.lognormvariate(math.log(0.15), 0.35), 5) for _ in range(requests)]
    itls = [[round(chance.lognormvariate(math.log(0.012), 0.1), 5) for _ in range(11)] for _ in range(requests)]
    tpots = [math.fsum(each) / 11 for each in itls]
    e2els = [ttft + math.fsum(each) for ttft, each in zip(ttfts, itls, strict=True)]
    duration = requests / 4.0
    found: dict[str, Any] = {
        "note": NOTE, "date": "20261119-101502", "endpoint_type": "openai", "backend": "openai", "label": "openai", "model_id": MODEL,
        "tokenizer_id": MODEL, "num_prompts": requests + failed, "request_rate": 4.0, "burstiness": 1.0, "max_concurrency": None,
        "duration": duration, "completed": requests, "failed": failed, "total_input_tokens": 512 * requests,
        "total_output_tokens": 12 * requests, "request_throughput": requests / duration, "request_goodput": None,
        "output_throughput": 12 * requests / duration, "total_token_throughput": 524 * requests / duration}
    if detailed:
        found |= {"input_lens": [512] * (requests + failed), "output_lens": [12] * requests + [0] * failed, "ttfts": ttfts + [0.0] * failed,
                  "itls": itls + [[] for _ in range(failed)], "errors": [""] * requests + ["Service Unavailable"] * failed}
    for name, values in (("ttft", ttfts), ("tpot", tpots), ("e2el", e2els)):
        average = math.fsum(values) / requests
        found |= {f"mean_{name}_ms": 1000 * average, f"median_{name}_ms": percentile(values, 50),
                  f"std_{name}_ms": 1000 * math.sqrt(math.fsum((value - average) ** 2 for value in values) / requests)}
        found |= {f"p{part}_{name}_ms": percentile(values, part) for part in (90, 95, 99)}
    return {**found, **changes}


def percentile(values: list[float], part: int) -> float:
    """In milliseconds, linear between two ranks, as numpy reckons."""
    ordered, place = sorted(values), (len(values) - 1) * part / 100
    below = ordered[math.floor(place)]
    return 1000 * (below + (ordered[math.ceil(place)] - below) * (place - math.floor(place)))


FILES: dict[str, dict[str, Any]] = {
    "lm-eval-now.json": lm_eval(1011), "lm-eval-new.json": lm_eval(1024),
    "bench-now.json": bench_serve(1), "bench-new.json": bench_serve(2, scale=0.95)}
"""Those of docs/examples/08-promotion, by name: of what prod-eu runs now, and of what would move."""


def text(content: dict[str, Any]) -> str:
    """The file's text."""
    return json.dumps(content) + "\n"
