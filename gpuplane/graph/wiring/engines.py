"""What a model server answers to: its ports, the names of its models, and the metrics that it exports.

Read from command line, environment and image of a container. Sources: vLLM ``engine_args.py`` and ``v1/metrics/loggers.py``,
Triton ``command_line_parser.cc``, llama.cpp ``tools/server/README.md``, SGLang ``server_args.py``, KServe v0.20 ``config/runtimes``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gpuplane.graph.command_lines import flags, words
from gpuplane.graph.pod_templates import PodContainer
from gpuplane.graph.resource_view import items, told

_ENGINES = (("huggingfaceserver", r"huggingfaceserver"), ("triton", r"tritonserver"), ("sglang", r"sglang"),
            ("llama.cpp", r"llama-server|llama\.cpp|llama-cpp"), ("tgi", r"text-generation-(inference|launcher)"), ("vllm", r"vllm"))
"""Engines, the first that matches image, command and arguments."""
PICKER = "endpoint-picker"
"""llm-d's endpoint picker: no engine, but what measures a request whose prompt is read in other pods than answer it."""
_DEFAULT_PORTS = {"vllm": 8000, "triton": 8000, "sglang": 30000, "llama.cpp": 8080, "huggingfaceserver": 8080}
PREFIXES: Mapping[str, tuple[str, ...]] = {"vllm": ("vllm:",), "huggingfaceserver": ("vllm:", "request_"), "triton": ("nv_",),
                                           "sglang": ("sglang:",), "llama.cpp": ("llamacpp:",), "tgi": ("tgi_",), PICKER: ("llm_d_epp_",)}
"""Beginnings of the names of an engine's metrics."""
SERVING_PREFIXES = ("vllm:", "sglang:", "llamacpp:", "tgi_", "nv_inference_", "llm_d_epp_")
"""Beginnings that only model servers' metrics have."""

_VLLM = frozenset(f"vllm:{name}" for name in (
    "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "lora_requests_info", "cache_config_info", "engine_healthy",
    "prompt_tokens", "generation_tokens", "request_success", "num_preemptions", "prefix_cache_queries", "prefix_cache_hits",
    "time_to_first_token_seconds", "inter_token_latency_seconds", "request_time_per_output_token_seconds",
    "e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds", "request_decode_time_seconds",
    "request_inference_time_seconds", "request_prompt_tokens", "request_generation_tokens", "iteration_tokens_total",
    "iteration_tokens", "request_params_n", "request_params_max_tokens"))
_LLAMA_CPP = frozenset(f"llamacpp:{name}" for name in (
    "requests_processing", "requests_deferred", "prompt_tokens", "tokens_predicted", "prompt_tokens_seconds",
    "predicted_tokens_seconds", "kv_cache_usage_ratio", "kv_cache_tokens", "n_decode", "n_busy_slots_per_decode"))
_KNOWN = _VLLM | _LLAMA_CPP
_WITHDRAWN = {"vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc", "vllm:cpu_cache_usage_perc": "",
              "vllm:gpu_prefix_cache_hit_rate": "vllm:prefix_cache_hits", "vllm:gpu_prefix_cache_queries": "vllm:prefix_cache_queries",
              "vllm:gpu_prefix_cache_hits": "vllm:prefix_cache_hits", "vllm:num_requests_swapped": "",
              "vllm:time_per_output_token_seconds": "vllm:inter_token_latency_seconds",
              "llamacpp:requests_pending": "llamacpp:requests_deferred"}
"""Metrics that V1 engines do not export any more, and what took their place."""
_SLIP = 0.9
"""How alike (0 to 1) a name must be to a known one to be taken for a slip of it."""


@dataclass(frozen=True)
class Engine:
    """A model server.

    Attributes:
        name: ``vllm``, ``triton``, …
        container: where it runs.
        port, metrics_port: what it listens on; None where that cannot be read.
        served: names that requests may ask for; None where they cannot be read.
        bounds: metric to the most it can be on one pod.
    """

    name: str
    container: PodContainer
    port: int | None
    metrics_port: int | None
    served: tuple[str, ...] | None
    bounds: Mapping[str, float]

    def exports(self, metric: str) -> bool:
        """Whether a metric has the beginning of this engine's."""
        return metric.startswith(PREFIXES[self.name])


def engine_of(container: PodContainer, name: str) -> Engine | None:
    """The model server of a container; None where it is none that is known.

    Args:
        container: a container that runs beside the pod's others, its runtime's fields merged in.
        name: name of the InferenceService, which KServe puts for ``{{.Name}}``.
    """
    line = [word.replace("{{.Name}}", name) for word in words(container)]
    shown = " ".join([str(told(container.spec, "image") or ""), *line])
    found = next((engine for engine, pattern in _ENGINES if re.search(pattern, shown)), None)
    if found is None:
        return None
    given = {key: value.replace("{{.Name}}", name) for key, value in flags(container).items()}
    declared = [item.get("containerPort") for item in items(container.spec.get("ports")) if isinstance(item, Mapping)]
    default = _DEFAULT_PORTS.get(found) if line else next((each for each in declared if isinstance(each, int)), _DEFAULT_PORTS.get(found))
    port = _number(given.get("http-port" if found == "triton" else "port"), default)
    metrics = _number(given.get("metrics-port"), 8002) if found == "triton" else port
    return Engine(found, container, port, metrics, _served(found, line, given), dict(_bounds(found, given, line)))


@lru_cache(maxsize=4096)
def misnamed(metric: str) -> str | None:
    """What is wrong with the name of an engine's metric, as the rest of a sentence; None where nothing is known to be."""
    for form in dict.fromkeys((metric, re.sub(r"_(bucket|sum|count|total)$", "", metric))):
        if form in _KNOWN:
            return None
        if form in _WITHDRAWN:
            instead = f", {_WITHDRAWN[form]} took its place" if _WITHDRAWN[form] else ""
            return f"the engine does not export {form} any more{instead}"
    if not metric.startswith(("vllm:", "llamacpp:")):
        return None
    near = difflib.get_close_matches(re.sub(r"_(bucket|sum|count|total)$", "", metric), sorted(_KNOWN), 1, _SLIP)
    return f"the engine exports no {metric}; {near[0]} is near" if near else None


def _bounds(engine: str, given: Mapping[str, str], line: list[str]) -> Iterator[tuple[str, float]]:
    if engine in ("vllm", "huggingfaceserver"):
        yield "vllm:kv_cache_usage_perc", 1
        if (given.get("max-num-seqs") or "").isdecimal():
            yield "vllm:num_requests_running", int(given["max-num-seqs"])
    elif engine == "llama.cpp":
        yield "llamacpp:kv_cache_usage_ratio", 1
        short = line[line.index("-np") + 1] if "-np" in line[:-1] else ""
        # Without --parallel builds before the end of 2025 ran one slot, later ones four (llama.cpp#17300): the least counts.
        slots = given.get("parallel") or short
        yield "llamacpp:requests_processing", int(slots) if slots.isdecimal() else 1


def _served(engine: str, line: list[str], given: Mapping[str, str]) -> tuple[str, ...] | None:
    if engine in ("triton", "llama.cpp", "tgi"):
        return None  # a model repository, or any name at all
    names = list(_values(line, "served-model-name")) or ([given["model-name"]] if "model-name" in given else [])
    if not names:
        positional = line[line.index("serve") + 1] if "serve" in line[:-1] else ""
        model = given.get("model") or given.get("model-path") or given.get("model-id") or positional
        if not model or model.startswith(("-", "$")):
            return None
        names = [model]
    names += [value.partition("=")[0] for value in _values(line, "lora-modules") if not value.startswith("{")]
    return None if any(set("{$") & set(name) for name in names) else tuple(names)


def _values(line: list[str], flag: str) -> Iterator[str]:
    """Every word that follows a flag which takes several."""
    taking = False
    for word in line:
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            taking = name.replace("_", "-") == flag
            if taking and equals:
                yield value
        elif taking:
            yield word


def _number(text: str | None, default: int | None) -> int | None:
    return default if text is None else int(text) if text.isdecimal() else None
