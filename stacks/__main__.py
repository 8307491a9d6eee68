"""Entry of every Pulumi command: the gate first, then the layer that this stack holds."""

import sys
from pathlib import Path

if __name__ == "__main__":
    try:
        import gpuplane  # noqa: F401
    except ModuleNotFoundError:  # a checkout whose environment was made without `make`
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from gpuplane.stacks.program import run

    run()
