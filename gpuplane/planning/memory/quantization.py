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
        known: False where the name does not say the bits.
    """

    name: str
    bytes_per_weight: Interval
    experts_only: bool = False
    known: bool = True


_GROUP_128 = 0.5 + 2.5 / 128
_INT4 = Interval(_GROUP_128 - 0.012, _GROUP_128, 0.5 + 2.5 / 32)
_INT8 = Interval(1.0, 1.002, 1.02)
_FP8 = Interval(1.0, 1.002, 1.06)
_NF4 = Interval(0.515, 0.54, 0.575)
_MXFP4 = Interval(0.53, 0.5315 * 16 / 15, 0.5315 * 1.1)
"""Kernels pad gpt-oss' 2,880 columns to 3,072 (1.067 ×), seen in start-up logs of both sizes."""
_NVFP4 = Interval(0.5625, 0.6, 0.78)
"""Checkpoints leave some layers in 8 or 16 bits; which differs from one to the next."""
_UNKNOWN_BITS = Interval(0.5, 1.0, 1.06)
"""compressed-tensors without a word on bits: 8 as a rule (FP8, W8A8), 4 at best."""

_FORMATS: tuple[tuple[str, Interval], ...] = (
    (r"mxfp4", _MXFP4), (r"nvfp4|fp4", _NVFP4), (r"w4a\d+|int4|4-?bit|awq|gptq|q4_|auto.?round|marlin", _INT4),
    (r"w8a\d+|int8|8-?bit", _INT8), (r"fp8|float8|w8", _FP8), (r"q8_0|gguf.*q8", Interval(1.0625, 1.0625, 1.09)),
    (r"q5_", Interval(0.68, 0.71, 0.75)), (r"q6_", Interval(0.81, 0.82, 0.86)), (r"bitsandbytes|bnb|nf4", _NF4))


def quantization(said: str | None, published: str | None, model: str) -> Quantization | None:
    """How a model's weights are quantised; None: not at all.

    Args:
        said: the engine argument, or what a start-up says.
        published: what the model's ``config.json`` says.
        model: name of the repository; copies say in their name how they are quantised.
    """
    texts = [text.lower() for text in (said, published) if text and text.lower() not in ("none", "auto")]
    name = model.lower()
    bits = next((found for text in texts if (found := _bits(text)) is not None), None)
    named = _bits(re.sub(r"^.*/", "", name))
    if not texts and named is None:
        return None
    if bits is None or any("bitsandbytes" in text or "compressed" in text for text in texts):
        # The method alone does not say the bits (compressed-tensors), or its variant; the name may.
        method = next((text for text in texts if "bitsandbytes" in text), None)
        if method is not None:
            eight = re.search(r"8-?bit|int8", f"{texts} {name}")
            return Quantization("bitsandbytes", _INT8 if eight else _NF4)
        bits = bits if bits is not None else named
    label = texts[0] if texts else f"as the name {model} says"
    if bits is None:
        return Quantization(label, _UNKNOWN_BITS, known=False)
    return Quantization(label, bits, experts_only=bits is _MXFP4)


def _bits(text: str) -> Interval | None:
    return next((size for pattern, size in _FORMATS if re.search(pattern, text)), None)
