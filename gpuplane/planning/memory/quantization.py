"""Bytes of a quantised weight, scales included, and which weights a method leaves as they are.

Sources: the formats' own group sizes. AWQ and GPTQ: 4 bits, a 16-bit scale and a 4-bit zero for each 128 weights. bitsandbytes
NF4: 4 bits and a 32-bit scale for each 64, itself quantised where double quantisation is on. MXFP4 (OCP Microscaling 1.0): 4 bits and an
8-bit scale for each 32. NVFP4: 4 bits and an 8-bit scale for each 16. GGUF Q8_0: 8 bits and a 16-bit scale for each 32.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpuplane.planning.memory.interval import Interval


@dataclass(frozen=True)
class Quantization:
    """How weights are held.

    Attributes:
        name: for the proof.
        bytes_per_weight: of a quantised weight.
        experts_only: only routed experts are quantised (gpt-oss).
        known: False where nothing says the bits.
        lowest_capability: compute capability that kernels for it need; None where any will do.
    """

    name: str
    bytes_per_weight: Interval
    experts_only: bool = False
    known: bool = True
    lowest_capability: tuple[int, int] | None = None


_GROUP_128 = 0.5 + 2.5 / 128
_INT4 = Interval(_GROUP_128 - 0.012, _GROUP_128, 0.5 + 2.5 / 32)
_INT8 = Interval(1.0, 1.002, 1.02)
_FP8 = Interval(1.0, 1.002, 1.06)
_NF4 = Interval(0.515, 0.54, 0.575)
_MXFP4 = Interval(0.53, 0.5315 * 16 / 15, 0.5315 * 1.1)
"""Kernels pad gpt-oss' 2,880 columns to 3,072 (1.067 ×), seen in start-up logs of both sizes."""
_NVFP4 = Interval(0.5625, 0.6, 0.78)
"""Checkpoints leave some layers in 8 or 16 bits; which differs from one to the next."""
_EIGHT_OR_FOUR = Interval(0.5, 1.0, 1.06)
"""A method that has 8 bits as a rule (FP8, W8A8) and 4 at best."""
_ANY_BITS = Interval(0.5, 1.0, 2.0)
"""A method of which nothing is known: at worst nothing is quantised at all."""

_BITS: tuple[tuple[str, Interval], ...] = (
    (r"mxfp4", _MXFP4), (r"nvfp4|(?<![a-z])fp4|modelopt_fp4", _NVFP4), (r"w8a\d+|int8|8-?bit", _INT8), (r"w4a\d+|int4|4-?bit", _INT4),
    (r"fp8|float8", _FP8), (r"q8_0", Interval(1.0625, 1.0625, 1.09)), (r"q6_k", Interval(0.81, 0.82, 0.86)),
    (r"q5_", Interval(0.68, 0.71, 0.75)), (r"q4_", _INT4))
"""What says the bits itself; 8 before 4, for 8-bit forms of methods that mostly have 4."""
_NOTHING = ("none", "auto", "null")
_METHODS: tuple[tuple[str, Interval], ...] = (
    (r"awq|gptq|auto-?_?round|marlin", _INT4), (r"bitsandbytes|bnb|nf4", _NF4),
    (r"compressed-?_?tensors|modelopt|deepspeedfp|fbgemm", _EIGHT_OR_FOUR), (r"torchao|hqq|quark|gguf|experts_int|bitblas|inc", _ANY_BITS))
"""What a method means where nobody says the bits."""
_LOWEST = {id(_MXFP4): (8, 0), id(_NVFP4): (8, 0), id(_FP8): (7, 5)}
"""Compute capability from which kernels unpack these weights (vLLM's documentation of its quantisation kernels)."""


def known_quantization(said: str) -> bool:
    """Whether a spelling is one that this module knows the meaning of."""
    text = said.lower()
    return text in _NOTHING or any(re.search(pattern, text) for pattern, _ in (*_BITS, *_METHODS))


def quantization(said: str | None, published: str | None, repository: str) -> Quantization | None:
    """How a model's weights are quantised; None: not at all.

    Args:
        said: the engine argument, or what a start-up says.
        published: what the model's ``config.json`` says.
        repository: its name; copies say in their name how they are quantised.
    """
    if said is not None and said.lower() == "none":
        published = None
    asked = said.lower() if said and said.lower() not in _NOTHING else ""
    name, original = re.sub(r"^.*/", "", repository.lower()), (published or "").lower()
    # A copy's own name knows better than what its original published.
    for label, text, others in ((asked, asked, (name, original)), (f"as the name {repository} says", name, ()), (original, original, ())):
        found = _read(label, text, others)
        if found is not None:
            return found
    return Quantization(asked or original, _ANY_BITS, known=False) if asked or original else None


def _read(label: str, text: str, others: tuple[str, ...]) -> Quantization | None:
    """What one text says: bits, or a method whose bits the other texts may say."""
    bits = _bits(text)
    method = next((size for pattern, size in _METHODS if re.search(rf"(?<![a-z])(?:{pattern})", text)), None)
    if bits is None and method is None:
        return None
    bits = bits or next((size for other in others if (size := _bits(other)) is not None), None)
    if bits is _INT4 and method is _NF4:
        bits = _NF4
    size = bits or method
    assert size is not None
    known = size not in (_EIGHT_OR_FOUR, _ANY_BITS)
    return Quantization(label, size, experts_only=size is _MXFP4, known=known, lowest_capability=_LOWEST.get(id(size)))


def _bits(text: str) -> Interval | None:
    return next((size for pattern, size in _BITS if re.search(pattern, text)), None)
