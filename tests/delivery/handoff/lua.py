"""The health checks of Argo CD in a real Lua 5.1, in an interpreter without a way to Python."""

from __future__ import annotations

from typing import Any

from lupa import lua51

from gpuplane.delivery.handoff.health_checks import argo_customizations

SCRIPTS = argo_customizations()


def health(kind: str, obj: dict[str, Any]) -> tuple[str, str]:
    """Status and message of an object."""
    script = next(text for key, text in SCRIPTS.items() if key.endswith(f"_{kind}"))
    lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    found = lua.execute(script)
    return str(found["status"]), str(found["message"])
