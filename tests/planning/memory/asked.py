"""Questions for the tests: one model on one card, changed one field at a time."""

from __future__ import annotations

from typing import Any

from gpuplane.catalog.gpus import load_gpus
from gpuplane.catalog.models import load_models
from gpuplane.planning.memory.device import device
from gpuplane.planning.memory.request import Device, FitRequest


def card(name: str, profile: str | None = None, shared_by: int = 1) -> Device:
    """A device of the catalogue."""
    return device(load_gpus()[name], profile, shared_by)


def ask(model: str = "qwen2.5-7b", gpu: str = "L40S-48GB", **changes: Any) -> FitRequest:
    """The model on the card, with vLLM 0.30 and 8,192 tokens where nothing else is said."""
    said = {"device": card(gpu), "max_model_len": 8192, "engine_version": "0.30.0", **changes}
    return FitRequest(model=load_models()[model], **said)
