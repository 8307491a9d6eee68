"""Runtimes as data: rows that are complete, a user's own over them, and what a row refuses of a service."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.catalog.runtime_arguments import argument_problem
from gpuplane.catalog.runtime_reference import reference
from gpuplane.catalog.runtimes import server_of, shipped_runtimes, version_numbers
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import quota_resource
from gpuplane.planning.runtimes import runtime_refusals
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.runtime import RuntimeSpec
from tests.spec.wish import Wish
from tests.stacks.runtime_services import wish_of

SERVICE = "services/acme/chat.yaml"
ROWS = shipped_runtimes()


def test_the_reference_is_what_the_rows_say() -> None:
    assert (Path(__file__).parents[2] / "docs" / "reference" / "runtimes.md").read_text(encoding="utf-8") == reference()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_is_complete_and_its_defaults_are_allowed(row: RuntimeSpec) -> None:
    assert date(2024, 1, 1) <= date.fromisoformat(row.as_of)
    assert all(directory != "/dev/shm" for directory in row.writable_directories)
    assert row.writable_directories or not row.read_only_root
    problems = {name: argument_problem(argument, argument.default) for name, argument in row.arguments.items()
                if argument.default is not None}
    assert {name: problem for name, problem in problems.items() if problem} == {}
    assert len({argument.flag for argument in row.arguments.values()}) == len(row.arguments)


@pytest.mark.parametrize(("older", "newer"), [("0.9.0", "0.18.0"), ("1.2.0rc6", "1.2.1"), ("26.07", "26.10")])
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    assert version_numbers(older) < version_numbers(newer)


REFUSED = {
    "an unknown runtime": ("tiny", "name: tiny", "name: tyny", "spec.release.runtime.name", "there is no runtime", "Did you mean tiny?"),
    "one with a block of its own": (
        "tiny", "name: tiny", "name: vllm", "spec.release.runtime.name", "block of its own", "Write release.vllm instead of runtime."),
    "an unknown argument": (
        "tensorrt-llm", "max_seq_len: 8192", "max_sequence_len: 8192", "spec.release.runtime.arguments.max_sequence_len",
        "is no argument of TensorRT-LLM", "Did you mean max_seq_len?"),
    "an argument of a runtime that has none": (
        "ray-serve", '      version: "2.56.0"\n', '      version: "2.56.0"\n      arguments: {port: 1}\n', "spec.release.runtime.arguments.port",
        "allowed: none", "Remove it."),
    "a whole number that is none": (
        "tiny", "batch_size: 8", "batch_size: 8.5", "spec.release.runtime.arguments.batch_size", "is not a whole number", "Correct"),
    "true for a number": (
        "tiny", "batch_size: 8", "batch_size: true", "spec.release.runtime.arguments.batch_size", "is not a whole number", "Correct"),
    "more than the most": (
        "tiny", "batch_size: 8", "batch_size: 65", "spec.release.runtime.arguments.batch_size", "at least 1, at most 64", "Correct"),
    "less than the least": ("tiny", "share: 0.5", "share: 0.01", "spec.release.runtime.arguments.share", "at least 0.1", "Correct"),
    "no choice of it": ("tiny", "precision: fp16", "precision: fp8", "spec.release.runtime.arguments.precision", "fp16, fp32", "Correct"),
    "a word for a flag": ("tiny", "verbose: true", "verbose: loud", "spec.release.runtime.arguments.verbose", "true or false", "Correct"),
    "text that does not match": ("tiny", "label: abc", "label: A B", "spec.release.runtime.arguments.label", "matches [a-z]+", "Correct"),
    "devices that the arguments do not make": (
        "tensorrt-llm", "devices: 2", "devices: 4", "spec.release.runtime.devices", "is 2", "Make them the same"),
    "a format that it does not serve": (
        "tiny", "      revision: 3f9b51c0d2aa47e8\n", "      revision: 3f9b51c0d2aa47e8\n      format: onnx\n", "spec.release.model.format",
        "is no format that Tiny server serves", "Choose one of them"),
}


@pytest.mark.parametrize(("runtime", "old", "new", "path", "message", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_a_row_refuses_what_its_server_cannot_do(runtime: str, old: str, new: str, path: str, message: str, remedy: str,
                                                 tmp_path: Path) -> None:
    spec = wish_of(tmp_path, runtime).change(SERVICE, old, new).load()

    with pytest.raises(InvalidSpec) as refused:
        catalog_of(spec)

    error = next(error for error in refused.value.errors if error.path == path)
    assert message in error.message
    assert error.remedy.startswith(remedy)
    assert error.file.endswith(SERVICE)
    assert error.line > 1


WRONG_SPECS = {
    "a batch over the largest": ("triton", "preferred_batch_sizes: [8, 16]", "preferred_batch_sizes: [8, 64]", "64 is more than max_batch_size 32"),
    "a model twice": ("triton", "name: detector", "name: resnet50", "the model resnet50 is there twice"),
    "a backend that needs its own configuration": ("triton", "backend: tensorrt", "backend: pytorch", "is not allowed"),
    "a volume without a revision": (
        "onnxruntime", "      revision: 3f9b51c0d2aa47e8\n", "", "a volume claim has no digest of its own"),
    "a tag instead of a digest": ("custom", "docker.io/vllm/scorer@sha256:" + "5a1e" * 16, "docker.io/vllm/scorer:1.4", "pinned by digest"),
}


@pytest.mark.parametrize(("runtime", "old", "new", "message"), WRONG_SPECS.values(), ids=WRONG_SPECS.keys())
def test_a_wrong_release_is_refused(runtime: str, old: str, new: str, message: str, tmp_path: Path) -> None:
    assert message in wish_of(tmp_path, runtime).change(SERVICE, old, new).error().message


WRONG_ROWS = {
    "a placeholder that nobody fills": ("--models={model_directory}", "--models={models}", "has a placeholder that is none of"),
    "an argument's default that no type has": ("choices: [fp16, fp32]", "minimum: 1", "minimum does not go with type choice"),
    "a drain without its argument": ('argument: "--drain={drain_seconds}", ', "", "argument goes with method argument"),
    "devices by an argument that is not there": ("device_arguments: [gpus]", "device_arguments: [cards]", "cards is no integer argument"),
    "a port without rights": ("port: 8080", "port: 80", "at least 1024"),
    "the user root": ("  read_only_root: true", "  run_as_user: 0\n  read_only_root: true", "at least 1"),
    "no source": ("  source: our own documentation 1.0\n", "", "is missing"),
    "a variable that KServe refuses": ("  port: 8080", "  environment: {PYTHONPATH: /app}\n  port: 8080", "KServe refuses"),
}


@pytest.mark.parametrize(("old", "new", "message"), WRONG_ROWS.values(), ids=WRONG_ROWS.keys())
def test_a_wrong_runtime_of_ones_own_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    wish = wish_of(tmp_path, "vllm").change("../runtimes/tiny.yaml", old, new)

    assert any(message in error.message for error in wish.errors()), wish.errors()


@pytest.mark.parametrize(("file", "message"), [("../runtimes/Own.yaml", "possible name"), ("../runtimes/own.yml", "would be ignored")])
def test_a_file_that_would_be_ignored_is_said(file: str, message: str, tmp_path: Path) -> None:
    wish = Wish(tmp_path)
    wish.files[file] = wish.files["../runtimes/tiny.yaml"]

    assert message in wish.error().message


def test_a_runtime_of_ones_own_replaces_a_shipped_one_and_that_is_noted(tmp_path: Path) -> None:
    wish = wish_of(tmp_path, "vllm")
    wish.files["../runtimes/vllm.yaml"] = wish.files["../runtimes/tiny.yaml"].replace("name: tiny", "name: vllm").replace("8080", "8081")
    spec = wish.load()

    assert server_of(spec, spec.services["acme/chat"].document.spec.release).row.port == 8081
    assert "Runtime vllm is as runtimes/vllm.yaml says, not as the shipped catalogue does." in plan(
        spec, catalog_of(spec), date(2026, 11, 21)).notes


@pytest.mark.parametrize(("runtime", "resource", "refuses"), [
    ("vllm", "google.com/tpu", False), ("triton", "google.com/tpu", True), ("tensorrt-llm", "google.com/tpu", True),
    ("triton", "nvidia.com/mig-1g.10gb", False)])
def test_a_server_is_refused_on_devices_that_it_cannot_drive(runtime: str, resource: str, refuses: bool, tmp_path: Path) -> None:
    spec = wish_of(tmp_path, runtime).load()
    pools = {name: replace(pool, devices_per_node={resource: 8}) for name, pool in plan(spec, catalog_of(spec), date(2026, 11, 21)).pools.items()}

    assert [refusal.path for refusal in runtime_refusals(spec, pools)] == (["spec.placement.pool"] if refuses else [])


@pytest.mark.parametrize(("devices", "key", "resource"), [
    ({"nvidia.com/gpu": 8}, "h100", "nvidia.com/gpu"), ({"google.com/tpu": 4}, "h100", "google.com/tpu"),
    ({"nvidia.com/mig-1g.10gb": 7}, "h100/1g.10gb", "nvidia.com/mig-1g.10gb")])
def test_a_service_is_given_the_device_that_its_pool_has(devices: dict[str, int], key: str, resource: str, tmp_path: Path) -> None:
    spec = wish_of(tmp_path, "vllm").load()
    pool = replace(plan(spec, catalog_of(spec), date(2026, 11, 21)).pools["h100"], devices_per_node=devices)

    assert quota_resource(pool, key) == resource


def test_a_mig_pool_gives_no_whole_gpus(tmp_path: Path) -> None:
    spec = wish_of(tmp_path, "vllm").load()

    with pytest.raises(KeyError, match=r"nvidia\.com/gpu in pool a100-mig"):
        quota_resource(plan(spec, catalog_of(spec), date(2026, 11, 21)).pools["a100-mig"], "a100-mig")


@pytest.mark.parametrize(("written", "at_least"), [("", 900), ("  startup_seconds: 120\n", 120)])
def test_the_startup_probe_is_as_long_as_is_written_or_as_the_plan_says(written: str, at_least: int, tmp_path: Path) -> None:
    spec = wish_of(tmp_path, "vllm").change(SERVICE, "  placement:\n", f"{written}  placement:\n").load()

    assert plan(spec, catalog_of(spec), date(2026, 11, 21)).startup_seconds["acme/chat"] == at_least
