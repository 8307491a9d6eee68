"""The wheel alone, in a project that has a ``components/`` folder of its own: one tenant, no YAML."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import textwrap
import venv
from pathlib import Path

import pytest

from tests.integration.work import ROOT, Work

pytestmark = pytest.mark.integration

PROGRAM = """
    import pulumi
    import pulumi_kubernetes as kubernetes
    from components.naming import NAME
    from gpuplane.components.tenant import Tenant, TenantArgs

    cluster = kubernetes.Provider("cluster", context="{context}")
    Tenant(NAME, TenantArgs(NAME, "internal"), pulumi.ResourceOptions(providers=[cluster]))
"""


def _environment(folder: Path) -> Path:
    """A fresh environment with the wheel in it; its dependencies are those of this one, but not this checkout."""
    wheels = folder / "wheels"
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)], cwd=ROOT, check=True, capture_output=True)
    venv.create(folder / ".venv", with_pip=True)
    python = folder / ".venv" / "bin" / "python"
    wheel = next(wheels.glob("*.whl"))
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / ".venv"), "platbase": str(folder / ".venv")}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def test_the_wheel_brings_up_a_tenant_beside_foreign_components(work: Work) -> None:
    project = work.folder / "theirs"
    (project / "components").mkdir(parents=True)
    (project / "components" / "__init__.py").touch()
    (project / "components" / "naming.py").write_text('NAME = "acme"\n')
    (project / "Pulumi.yaml").write_text("name: theirs\nruntime: {name: python, options: {toolchain: pip, virtualenv: .venv}}\n")
    (project / "__main__.py").write_text(textwrap.dedent(PROGRAM).format(context=work.cluster.context))
    python = _environment(project)
    where = subprocess.run([str(python), "-c", "import gpuplane; print(gpuplane.__file__)"], cwd=project, capture_output=True, text=True, check=True)

    work.pulumi("stack", "init", "theirs", project=project)
    work.pulumi("up", "--yes", "--skip-preview", project=project)
    policies = {one["metadata"]["name"] for one in work.cluster.list("networking.k8s.io/v1", "NetworkPolicy", "acme")}
    work.pulumi("destroy", "--yes", "--skip-preview", "--remove", project=project)

    assert str(project) in where.stdout
    assert policies == {"allow-dns", "allow-own-namespace", "default-deny"}
    assert work.cluster.get("v1", "Namespace", "acme") is None
