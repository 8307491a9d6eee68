"""A change of one tenant among two hundred, or a thousand, previewed against the commit before it: as whole processes, first and again."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.process import most_together, once
from benchmarks.wishes import NAME, write_large_environment, write_tenant

SIZES = {200: 2, 1000: 3}
"""Tenants, and services of each."""


def main() -> None:
    chosen = [int(each) for each in sys.argv[1:]] or [200]
    for tenants in chosen:
        _measure(tenants, SIZES[tenants])


def _measure(tenants: int, services: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gpuplane-bench-") as folder:
        environments, cache = Path(folder) / "environments", {"XDG_CACHE_HOME": str(Path(folder) / "cache")}
        root = write_large_environment(environments, tenants, services)
        for arguments in ("init", "add -A", "-c user.name=bench -c user.email=bench@example.com commit -m before"):
            subprocess.run(["git", *arguments.split()], cwd=folder, check=True, capture_output=True)
        preview = ["-m", "gpuplane", "preview", NAME, "--environments", str(environments), "--against", "HEAD"]
        for number, name in ((7, "nothing rendered before"), (8, "the rest rendered by the run before"), (9, "once more")):
            write_tenant(root, number, services, cpu=1)
            seconds, processor, mib = once(preview, environment=cache)
            print(f"one of {tenants} tenants changes ({name}): {seconds:.1f} s, {processor:.1f} s of processors, {mib:.0f} MiB. Aim: 6 s")
        write_tenant(root, 10, services, cpu=1)
        print(f"the same again: all its processes have {most_together(preview, cache):.0f} MiB together. Aim: 2048 MiB")


if __name__ == "__main__":
    main()
