"""A change of one tenant among two hundred, previewed against the commit before it: as whole processes, first and again."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.process import once
from benchmarks.wishes import NAME, write_large_environment, write_tenant

TENANTS, SERVICES_EACH = 200, 2


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="gpuplane-bench-") as folder:
        environments, cache = Path(folder) / "environments", {"XDG_CACHE_HOME": str(Path(folder) / "cache")}
        root = write_large_environment(environments, TENANTS, SERVICES_EACH)
        for arguments in ("init", "add -A", "-c user.name=bench -c user.email=bench@example.com commit -m before"):
            subprocess.run(["git", *arguments.split()], cwd=folder, check=True, capture_output=True)
        preview = ["-m", "gpuplane", "preview", NAME, "--environments", str(environments), "--against", "HEAD"]
        for number, name in ((7, "nothing rendered before"), (8, "the rest rendered by the run before"), (9, "once more")):
            write_tenant(root, number, SERVICES_EACH, cpu=1)
            seconds, processor, mib = once(preview, environment=cache)
            print(f"one of {TENANTS} tenants changes ({name}): {seconds:.1f} s, {processor:.1f} s of processors, {mib:.0f} MiB. Aim: 6 s")


if __name__ == "__main__":
    main()
