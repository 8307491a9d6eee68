"""``gpuplane fit`` from the command line: figures, exit statuses, and clear words for wrong questions."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from gpuplane.catalog import catalog_of
from gpuplane.cli import cli
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

QWEN = ["--model", "Qwen/Qwen2.5-7B-Instruct", "--gpu", "L40S-48GB", "--max-model-len", "16384", "--engine-version", "0.30.0"]
CONFIG = {"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
          "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False, "torch_dtype": "bfloat16"}
COUNTS = tuple(f"--{name}" for name in ("max-model-len", "block-size", "max-num-seqs", "max-num-batched-tokens", "max-loras", "max-lora-rank",
                                        "tensor-parallel-size", "pipeline-parallel-size", "time-sliced-by"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["fit", *arguments])


def answer(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--format", "json")
    value: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if value["fits"] else 1), result.output
    return value


def test_the_contract_of_the_json() -> None:
    value = answer(*QWEN)
    assert value["schema_version"] == "1"
    assert value["fits"] is True
    for name in ("weights_gib", "overhead_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency"):
        assert value[name]["low"] <= value[name]["expected"] <= value[name]["high"]
    assert {"claim", "formula", "inputs", "result", "unit", "sources"} == set(value["proof"][0])
    assert value["smallest"]["tensor_parallel_size"] == 1


def test_the_same_question_gives_the_same_bytes() -> None:
    assert run(*QWEN, "--format", "json").stdout == run(*QWEN, "--format", "json").stdout


def test_a_config_file_gives_the_same_figures_as_the_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    by_file = answer("--model-config", str(file), "--parameters", "7.616", *QWEN[2:])
    by_name = answer(*QWEN)
    for name in ("weights_gib", "kv_cache_gib", "kv_cache_tokens", "max_concurrency", "fits"):
        assert by_file[name] == by_name[name]
    assert answer("--model-config", str(file), "--parameters", "7616000000", *QWEN[2:])["weights_gib"] == by_name["weights_gib"]


def test_the_memory_that_a_card_reports_is_enough() -> None:
    assert answer("--model", "qwen3-8b", "--gpu-memory-gib", "79.19", "--max-model-len", "4096")["fits"] is True
    assert answer("--model", "qwen3-8b", "--gpu-memory-gib", "10.7", "--max-model-len", "4096")["fits"] is False


def test_what_is_known_better_is_taken() -> None:
    assert answer(*QWEN, "--parameters", "8")["weights_gib"]["expected"] > answer(*QWEN)["weights_gib"]["expected"]
    small = answer("--model", "qwen3-0.6b", "--gpu-memory-gib", "9.5", "--mig", "1g.10gb", "--max-model-len", "2048", "--engine-version", "0.30.0")
    assert (small["fits"], small["usable_gib"]["high"]) == (True, 8.74)


def test_people_see_a_verdict_a_table_and_what_would_fit() -> None:
    result = run("--model", "meta-llama/Llama-3.3-70B-Instruct", "--gpu", "H100-SXM-80GB", "--max-model-len", "8192")
    assert result.exit_code == 1
    assert result.stdout.startswith("DOES NOT FIT: llama3-70b on 1 × H100-SXM-80GB")
    for words in ("KV cache GiB", "least GPU memory that surely fits", "/dev/shm"):
        assert words in result.stdout


def test_a_start_up_log_overrides(tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    log.write_text("Available KV cache memory: 12.34 GiB\nGPU KV cache size: 231,000 tokens\n")
    value = answer(*QWEN, "--startup-log", str(log))
    assert (value["measured"], value["kv_cache_gib"]["low"], value["kv_cache_tokens"]["high"]) == (True, 12.34, 231000)


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "one of --model and --model-config is needed"),
    (["--model", "Qwen/Qwen2.5-7B-Instruct"], "one of --gpu and --gpu-memory-gib is needed"),
    (["--model", "Qwen/Qwen99-Unheard", "--gpu", "L4"], "is not in the catalogue"),
    (["--model", "qwen3-8b", "--gpu", "A100"], "may be A100-"),
    (["--model", "qwen3-8b", "--gpu", "Quux"], "is not in the catalogue: "),
    (["--model", "qwen3-8b", "--gpu", "A100-SXM-80GB", "--mig", "9g.1gb"], "1g.10gb"),
    (["--model", "qwen3-8b", "--gpu", "L4-24GB", "--mig", "1g.10gb"], "no MIG"),
    (["--model", "qwen3-8b", "--gpu", "L4-24GB", "--draft-model", "x/y"], "is not in the catalogue"),
    ([*QWEN, "--quantization", "foo"], "--quantization 'foo' is no known method"), ([*QWEN, "--dtype", "foo"], "--dtype 'foo'"),
    ([*QWEN, "--kv-cache-dtype", "foo"], "--kv-cache-dtype 'foo'"),
    *((["--model", "qwen3-8b", "--gpu", "L4-24GB", option, value], f"{option} {float(value)} is not a number of use")
      for option in ("--gpu-memory-gib", "--weights-gib", "--parameters") for value in ("1e308", "1e16")),
    *((["--model", "qwen3-8b", "--gpu", "L4-24GB", option, "1" + "0" * 400], "is not in the range 1<=x<=2147483647") for option in COUNTS),
    (["--model-config", "missing.json", "--gpu", "L4-24GB"], "cannot be read"),
    (["--model", "qwen3-8b", "--gpu", "L4-24GB", "--startup-log", "missing.log"], "cannot be read")])
def test_wrong_questions(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output


@pytest.mark.parametrize("name", ["\ufffe", "\x1b[2J", "a\u2028b"])
def test_the_name_of_an_unknown_card_steers_no_terminal(name: str) -> None:
    result = run("--model", "qwen3-8b", "--gpu-memory-gib", "80", "--gpu", name)

    assert result.exit_code == 0
    assert all(line.isprintable() for line in result.stdout.split("\n")), result.stdout


@pytest.mark.parametrize("option", COUNTS)
def test_the_largest_number_is_answered(option: str) -> None:
    assert run("--model", "qwen3-8b", "--gpu", "L4-24GB", option, "2147483647").exit_code in (0, 1, 2)


@pytest.mark.parametrize(("text", "words"), [
    ("[]", "is not a JSON object"), ("{", "is not JSON"), ("[" * 100_000, "is not JSON"), ("{}", "does not say hidden_size"),
    (json.dumps({**CONFIG, "model_type": "mamba"}), "is not modelled"), (json.dumps({**CONFIG, "layer_types": ["full"]}), "1 of its 28"),
    ("\udcff", "is not JSON")])
def test_a_config_that_cannot_be_used_is_refused_with_its_reason(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("--model-config", str(file), "--gpu", "L4-24GB")
    assert result.exit_code == 2, result.output
    assert words in result.output


def test_a_log_of_something_else_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "other.log"
    log.write_text("hello")
    result = run(*QWEN, "--startup-log", str(log))
    assert (result.exit_code, "KV cache" in result.output) == (2, True)


ENVIRONMENTS = Path(__file__).parents[2] / "environments"


def test_a_declared_service_is_asked_like_any_other() -> None:
    value = answer("--service", "prod/support/chat", "--environments", str(ENVIRONMENTS))
    assert (value["fits"], value["device"], value["max_model_len"]) == (True, "L40S-48GB", 16384)


def test_a_log_becomes_the_block_that_overrides_exactly_this_service(tmp_path: Path) -> None:
    log, folder = tmp_path / "vllm.log", tmp_path / "environments"
    shutil.copytree(ENVIRONMENTS, folder)
    log.write_text("(Worker pid=7) INFO Available KV cache memory: 20.10 GiB\nnoise\nINFO GPU KV cache size: 376,320 tokens\n"
                   "INFO Maximum concurrency for 16,384 tokens per request: 22.97x\n")
    result = run("--service", "prod/support/chat", "--environments", str(folder), "--startup-log", str(log))
    block = yaml.safe_load(result.stdout[result.stdout.index("measured_startup:"):])
    service = folder / "prod" / "services" / "support" / "chat.yaml"
    document = yaml.safe_load(service.read_text())
    document["spec"] |= block
    service.write_text(yaml.safe_dump(document, sort_keys=False))
    spec = load_environment(folder, "prod")
    found = plan(spec, catalog_of(spec), date(2026, 11, 21)).memory["support/chat"]
    assert (found.measured, found.kv_cache_gib.expected, found.max_concurrency.low) == (True, 20.1, 22.97)
    document["spec"]["release"]["vllm"]["arguments"]["max_num_seqs"] = 64
    service.write_text(yaml.safe_dump(document, sort_keys=False))
    changed = plan(load_environment(folder, "prod"), catalog_of(spec), date(2026, 11, 21))
    assert changed.memory["support/chat"].measured is False
    assert any("measured_startup is of another combination" in note for note in changed.notes)


@pytest.mark.parametrize(("name", "words"), [("prod/support/none", "prod has "), ("nowhere/a/b", "there is no environment"),
                                             ("prod/research/resnet50", "is not served by vLLM"), ("prod", "prod has ")])
def test_services_that_cannot_be_asked(name: str, words: str) -> None:
    result = run("--service", name, "--environments", str(ENVIRONMENTS))
    assert result.exit_code == 2
    assert words in result.output
