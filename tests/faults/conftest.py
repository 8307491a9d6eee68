"""Faults need a control plane that can be killed: etcd, kube-apiserver, kube-controller-manager and pulumi on PATH.

KUBECONFIG names a cluster with Kueue and KServe; only its CRDs are read. A share of them (``-m bad_day``) runs with all tests, the whole with
``make faults``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import control_plane
from tests.faults.bed import ROOT, Bed, variables_of, write_documents
from tests.faults.control_plane import ControlPlane
from tests.integration.cluster import NODES, Cluster
from tests.integration.warm import WarmGpuplane


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    missing = [*control_plane.missing(), *([] if shutil.which("pulumi") else ["pulumi"]),
               *([] if os.environ.get("KUBECONFIG") else ["KUBECONFIG"])]
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"faults need {', '.join(missing)}")
    made = ControlPlane(tmp_path_factory.mktemp("plane"))
    try:
        made.up()
        control_plane.install(control_plane.custom_resource_definitions(), str(made.kubeconfig))
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def direct(plane: ControlPlane) -> Cluster:
    """A way to the API server past every proxy."""
    found = Cluster(plane.kubeconfig)
    for name, (product, strategy, devices) in NODES.items():
        found._add_node(name, product, strategy, devices)
    return found


@pytest.fixture(scope="session")
def base(plane: ControlPlane, direct: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state in which the platform is applied."""

    folder = tmp_path_factory.mktemp("base")
    write_documents(folder / "environments" / "local", ("first",))
    (folder / "state").mkdir()
    command = [sys.executable, "-m", "gpuplane", "up", "local", "--layer", "platform", "--environments", str(folder / "environments")]
    done = subprocess.run(command, cwd=ROOT, env=variables_of(folder, plane.kubeconfig), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmGpuplane]:
    started = WarmGpuplane(tmp_path_factory.mktemp("warm"))
    yield started
    started.close()


@pytest.fixture
def bed(plane: ControlPlane, direct: Cluster, base: Path, warm: WarmGpuplane, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bed]:
    plane.heal()
    made = Bed(tmp_path, f"t{abs(hash(request.node.name)) % 10 ** 8:08d}", direct, plane, base, warm=warm)
    yield made
    made.close()
