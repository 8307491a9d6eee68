"""What cannot start is refused where it is written; what nobody knows is said."""

from __future__ import annotations

import pytest

from tests.planning.test_refusals import CHAT, INSTANCE, POOL, Change, put, valid

RELEASE, AMI = "spec.eks_managed_node_group.release_version", "spec.eks_managed_node_group.ami_type"
VERSION, ARGUMENTS = "spec.release.vllm.version", "spec.release.vllm.arguments"
T4 = ((POOL, "spec.gpu", "T4-16GB"), (POOL, INSTANCE, "g4dn.metal"))
V100 = ((POOL, "spec.gpu", "V100-SXM-16GB"), (POOL, INSTANCE, "p3.16xlarge"))
B300 = ((POOL, "spec.gpu", "B300-SXM-269GB"), (POOL, INSTANCE, "p6-b300.48xlarge"))
OLD = "1.34.1-20251016"
"""An image with driver 570.195.03."""


def named(change: Change, rule: str) -> list[tuple[str, str]]:
    """Path and words of a rule's refusals of the pool and of its chat service."""
    return [(refusal.path, f"{refusal.claim} {refusal.remedy}") for refusal in change(valid()).plan().refusals
            if refusal.rule == rule and refusal.file.endswith((f"{CHAT}.yaml", f"{POOL}.yaml"))]


BAD: dict[str, tuple[Change, str, str, str]] = {
    "an engine that dropped the gpu": (
        put(*V100), "NP-04", VERSION, "supports compute capability 7.5 and newer; V100-SXM-16GB of pool \"h100\" has 7.0"),
    "an engine older than the gpu": (
        put(*B300, (CHAT, VERSION, "0.11.0")), "NP-04", VERSION, "is built with CUDA 12.8; B300-SXM-269GB of pool \"h100\" needs 12.9"),
    "a driver older than the engine's image": (
        put((POOL, RELEASE, OLD)), "NP-05", VERSION, "needs driver branch 580 or newer; the nodes of pool \"h100\" have 570.195.03"),
    "a driver older than the gpu": (
        put(*B300, (POOL, RELEASE, OLD), (CHAT, "spec.release.vllm.cuda", "12.9")), "NP-05", RELEASE, "brings driver 570.195.03; B300-SXM-269GB (compute capability 10.3) needs branch 575"),
    "bfloat16 on a gpu without it": (
        put(*T4, (CHAT, f"{ARGUMENTS}.dtype", "bfloat16")), "NP-06", f"{ARGUMENTS}.dtype", "bfloat16 needs compute capability 8.0"),
    "fp8 weights on a gpu that is too old for this version": (
        put(*T4, (CHAT, VERSION, "0.31.0"), (CHAT, f"{ARGUMENTS}.quantization", "fp8")), "NP-06", f"{ARGUMENTS}.quantization", "fp8 needs compute capability 8.0"),
    "an image for other processors": (
        put((POOL, AMI, "AL2023_ARM_64_NVIDIA")), "NP-07", AMI, "is built for arm64, but p5.48xlarge has x86_64 processors. Choose AL2023_x86_64"),
}


@pytest.mark.parametrize(("change", "rule", "path", "words"), BAD.values(), ids=BAD)
def test_what_cannot_start_is_refused(change: Change, rule: str, path: str, words: str) -> None:
    found = named(change, rule)
    assert [where for where, _ in found] == [path] * len(found)
    assert found
    assert words in found[0][1]


@pytest.mark.parametrize(("change", "rule"), [
    (put(), "NP-05"), (put((POOL, RELEASE, OLD), (CHAT, "spec.release.vllm.cuda", "12.9")), "NP-05"),
    (put((POOL, RELEASE, OLD), (CHAT, VERSION, "0.11.0")), "NP-05"),
    (put(*T4, (CHAT, f"{ARGUMENTS}.quantization", "fp8"), (CHAT, VERSION, "0.32.0")), "NP-06"),
    (put(*V100, (CHAT, VERSION, "0.11.0")), "NP-04"), (put((CHAT, f"{ARGUMENTS}.kv_cache_dtype", "fp8")), "NP-06"),
])
def test_what_can_start_is_not_refused(change: Change, rule: str) -> None:
    assert named(change, rule) == []


@pytest.mark.parametrize(("change", "words"), [
    (put((POOL, AMI, "BOTTLEROCKET_x86_64_NVIDIA")), 'The driver of the nodes of pool "h100" is not known here; its services need branch 580'),
    (put((CHAT, VERSION, "0.1.0")), "What CUDA and driver vllm 0.1.0 of"),
    (put(*T4, (CHAT, f"{ARGUMENTS}.kv_cache_dtype", "fp8")), "fp8, which T4-16GB does not have in hardware; whether it starts depends"),
])
def test_what_nobody_knows_is_said(change: Change, words: str) -> None:
    assert any(words in note for note in change(valid()).plan().notes)
