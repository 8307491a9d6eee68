"""``gpuplane rehearse --local``: a control plane of its own, made from programs on PATH, gone afterwards even when it was killed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gpuplane.delivery.rehearsal.local.managers import certificate
from gpuplane.delivery.rehearsal.local.processes import PREFIX
from gpuplane.delivery.rehearsal.local.programs import MANAGERS, OPTIONAL, REQUIRED, program
from tests.integration.cluster import wait_for
from tests.integration.local_manifests import write_manifests
from tests.integration.rehearsal_process import ROOT, killed, rehearse_command
from tests.integration.rehearsal_wish import small, written

pytestmark = pytest.mark.integration


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A temporary folder of its own, manifests and documents in it."""
    write_manifests(tmp_path / "manifests")
    written(small(), tmp_path / "environments")
    (tmp_path / "tmp").mkdir()
    certificate(tmp_path / "metrics")
    return tmp_path


def _variables(home: Path) -> dict[str, str]:
    """Without anybody's kubeconfig. Kueue's manager wants a certificate for metrics that nobody reads."""
    kept = {key: value for key, value in os.environ.items() if key not in ("KUBECONFIG", "GPUPLANE_EXTRA_CRDS")}
    return {**kept, "TMPDIR": str(home / "tmp"), "KUEUE_METRICS_CERT_DIR": str(home / "metrics")}


def _command(home: Path, *arguments: str) -> list[str]:
    return rehearse_command(home / "environments", "--local", *arguments)


def _left(home: Path) -> list[Path]:
    return list((home / "tmp").glob(f"{PREFIX}*"))


def _processes(home: Path) -> str:
    listed = subprocess.run(["ps", "-ww", "-A", "-o", "command="], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in listed.splitlines() if f"{home}/tmp/{PREFIX}" in line)


def test_a_plan_is_rehearsed_where_there_is_no_cluster(home: Path) -> None:
    done = subprocess.run(_command(home, "prod", "--scenario", "maximum", "--crds", str(home / "manifests")), cwd=ROOT, env=_variables(home),
                          capture_output=True, text=True, check=False, timeout=400)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "with Kueue and KServe" in done.stdout
    assert "4 of 6 admitted, 2 pending, 4 running" in done.stdout
    assert _left(home) == []
    assert _processes(home) == ""


def test_weights_are_rehearsed_on_a_kueue_that_shares_by_them(home: Path) -> None:
    """beta borrows what acme does not use, and acme takes back what is its own."""
    weighted = small().put("tenants/rehearsed-acme spec.fair_sharing_weight", 3).put("tenants/rehearsed-beta spec.fair_sharing_weight", 0.5)
    written(weighted, home / "environments")

    done = subprocess.run(_command(home, "prod", "--scenario", "maximum", "--scenario", "burst", "--short", "--crds", str(home / "manifests")),
                          cwd=ROOT, env=_variables(home), capture_output=True, text=True, check=False, timeout=500)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "not known" not in done.stdout
    assert "4 of 6 admitted, 2 pending, 4 running" in done.stdout


def test_without_controllers_nothing_is_said_to_be_rehearsed(home: Path) -> None:
    assets = home / "assets"
    assets.mkdir()
    for name in (*REQUIRED, *OPTIONAL):
        (assets / name).symlink_to(str(program(name)))
    for name in ("ps", "git"):
        (assets / name).symlink_to(str(shutil.which(name)))
    variables = {**_variables(home), "PATH": str(assets), "KUBEBUILDER_ASSETS": str(assets)}

    done = subprocess.run(_command(home, "prod", "--scenario", "minimum", "--crds", str(home / "manifests")), cwd=ROOT, env=variables,
                          capture_output=True, text=True, check=False, timeout=400)

    assert done.returncode == 1, done.stdout + done.stderr
    for name in MANAGERS:
        assert f"no {name} in KUBEBUILDER_ASSETS or on PATH: what depends on it is not rehearsed" in done.stderr
    assert "nothing could be rehearsed" in done.stdout


def test_a_killed_one_takes_its_processes_along_and_the_next_removes_its_folder(home: Path) -> None:
    killed(_command(home, "prod", "--crds", str(home / "manifests")), "applying wave", _variables(home))
    assert len(_left(home)) == 1

    cleaned = subprocess.run(_command(home, "--clean"), cwd=ROOT, env=_variables(home), capture_output=True, text=True, check=False)

    assert cleaned.returncode == 0, cleaned.stderr
    assert _left(home) == []
    wait_for(lambda: _processes(home) == "", "no process is left", 20)
