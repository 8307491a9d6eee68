"""vLLM's arguments as its command line takes them."""

from __future__ import annotations

import json
from typing import Any

from gpuplane.spec.release import Vllm, VllmArguments


def vllm_arguments(server: Vllm) -> tuple[str, ...]:
    """What is written of vLLM's arguments, as its command line takes it, sorted."""
    written = server.arguments.model_dump(exclude_unset=True)
    return tuple(argument for name in sorted(written) for argument in [_argument(name, written[name])] if argument)


def _argument(name: str, value: Any) -> str | None:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, dict):  # vLLM takes these as JSON
        return f"{flag}={json.dumps(value, sort_keys=True, separators=(',', ':'))}"
    if value is True:
        return flag
    if value is False:  # vLLM's boolean flags come as pairs; a default of False needs neither
        return f"--no-{flag[2:]}" if VllmArguments.model_fields[name].default is None else None
    return None if value is None else f"{flag}={value}"
