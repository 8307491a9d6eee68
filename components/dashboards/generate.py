"""``make generate``: every dashboard beside this file as JSON, which is what gpuplane ships.

A dashboard is a module with ``build()``; nothing lists them.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
_NOT_DASHBOARDS = {"__init__", "generate", "panels"}


def generated() -> dict[str, str]:
    """Name of each dashboard, with hyphens, and its JSON."""
    from gpuplane.components.dashboards.panels import to_json

    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in _NOT_DASHBOARDS)
    return {name.replace("_", "-"): to_json(import_module(f"gpuplane.components.dashboards.{name}").build()) for name in names}


if __name__ == "__main__":
    for name, text in generated().items():
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
