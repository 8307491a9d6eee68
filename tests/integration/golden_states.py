"""Golden states: what a release wrote, kept for ever in ``tests/golden/states/RELEASE``.

After a release: ``gpuplane up local`` on an empty cluster with a state of its own and the passphrase below, ``gpuplane state backup local``,
then ``python -m tests.integration.golden_states COPY ENVIRONMENTS RELEASE``, which leaves out what names machines and not platforms.
Once more with two tenants and ``tenant_stacks: true`` in the documents, as ``RELEASE-tenant-stacks``.

``0.1.0`` and ``0.1.0-tenant-stacks`` are of one program: the one that had the version 0.1.0 when the first of them was kept, not today's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "states"
PASSPHRASE = "x"
_OF_MACHINES = ("stackTrace", "sourcePosition", "managedFields")


def keep(copy: Path, environments: Path, release: str) -> None:
    """Write a copy of state, and the documents that it came from, as a release's golden state."""
    out = FOLDER / release
    shutil.copytree(environments / "local", out / "environments" / "local")
    (out / "copy").mkdir()
    index = json.loads((copy / "index.json").read_text())
    for name, row in index["stacks"].items():
        text = json.dumps(_bare(json.loads((copy / f"{name}.json").read_text())), indent=1, sort_keys=True) + "\n"
        row["digest"] = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        (out / "copy" / f"{name}.json").write_text(text)
    (out / "copy" / "index.json").write_text(json.dumps(index, indent=2, sort_keys=True) + "\n")


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key not in _OF_MACHINES}
    return [_bare(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
