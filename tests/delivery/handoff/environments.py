"""Environments that an engine delivers, and the command that renders them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from gpuplane.cli import cli

ROOT = Path(__file__).resolve().parents[3]
AS_OF = "2026-11-21"
IMAGE = f"registry.example.com/gpuplane@sha256:{'a' * 64}"
SOURCE = "      source: {url: https://git.example.com/acme/platform.git, path: rendered/team}\n"
GATE = f"      gate: {{image: {IMAGE}, egress: [{{name: proxy, namespace: egress-proxy, ports: [3128]}}]}}\n"
ARGO_CD = f"  delivered_by:\n    argo_cd:\n{SOURCE}{GATE}"
FLUX = f"  delivered_by:\n    flux:\n{SOURCE}{GATE}"
PULUMI = f"  delivered_by:\n    pulumi_operator:\n{SOURCE}      passphrase_secret: passphrase\n"


def environments(folder: Path, delivered_by: str = "", releases: bool = False) -> Path:
    """The smallest environment, delivered so; with ``releases`` gpuplane installs Kueue, KServe and cert-manager."""
    target = folder / "environments"
    shutil.copytree(ROOT / "docs/examples/02-smallest-environment/environments", target)
    path = target / "team/environment.yaml"
    text = path.read_text() + delivered_by
    if releases:
        text = text.replace("install: external", "install: release") + "  cert_manager: {install: release, version: v1.21.1}\n  keda: {install: release, version: 2.20.2}\n"
    path.write_text(text)
    return target


def render(*arguments: str | Path, where: Path | None = None, as_of: str = AS_OF) -> Result:
    """``gpuplane render``."""
    more = ["--environments", str(where)] if where is not None else []
    return CliRunner().invoke(cli, ["render", *map(str, arguments), *more, "--as-of", as_of])


def texts(folder: Path) -> dict[str, str]:
    """Every file of a folder by path."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def objects(folder: Path, below: str = "") -> dict[str, Any]:
    """Every YAML file of a rendered folder as an object by path."""
    return {path: yaml.safe_load(text) for path, text in texts(folder).items() if path.startswith(below) and path.endswith(".yaml")}
