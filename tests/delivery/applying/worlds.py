"""Environments to apply: the local one, edited."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from gpuplane.catalog import catalog_of
from gpuplane.delivery.applying.digest import StackDigest, stack_digests
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[3]
AS_OF = date(2026, 1, 1)
ANCHOR = "  kueue:\n"


def world(folder: Path, more: str = "", edits: Mapping[str, tuple[str, str]] | None = None) -> EnvironmentSpec:
    """The local environment with ``more`` lines in environment.yaml and one replacement for each file."""
    environments = folder / "environments"
    if environments.exists():
        shutil.rmtree(environments)
    shutil.copytree(ROOT / "environments" / "local", environments / "local")
    changes = {"environment.yaml": (ANCHOR, more + ANCHOR)} if more else {}
    for file, (old, new) in {**changes, **(edits or {})}.items():
        path = environments / "local" / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1))
    return load_environment(environments, "local")


def planned(spec: EnvironmentSpec, as_of: date = AS_OF) -> EnvironmentPlan:
    """Its plan."""
    return plan(spec, catalog_of(spec), as_of)


def digests(spec: EnvironmentSpec, as_of: date = AS_OF) -> dict[str, StackDigest]:
    """Digests by stack name."""
    return {one.name: one for one in stack_digests(spec, planned(spec, as_of))}
