"""Run every measurement: ``python -m benchmarks``. Nothing here passes or fails: figures belong into the notes."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks


def main() -> None:
    for module in sorted(pkgutil.iter_modules(benchmarks.__path__), key=lambda one: one.name):
        if module.name.startswith("bench_"):
            print(f"== {module.name.removeprefix('bench_').replace('_', ' ')}", flush=True)
            found = importlib.import_module(f"benchmarks.{module.name}")
            if hasattr(found, "BY_ITSELF"):
                print(f"takes minutes: {found.BY_ITSELF}")
            else:
                found.main()


if __name__ == "__main__":
    main()
