"""A runtime, a version of a chart or a dashboard is one file more, and a GPU one row: in a copy of the package that has it, it is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DASHBOARD = '''"""One more."""

from gpuplane.components.dashboards.panels import board


def build():
    """The dashboard."""
    return board("more", "gpuplane / More", "One more.")
'''


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package alone, links followed, so that nothing of the repository can know what is added."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "gpuplane", folder / "gpuplane", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _says(folder: Path, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, env={"PYTHONPATH": str(folder), "PATH": ""}, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_version_of_a_chart(copy: Path) -> None:
    charts = copy / "gpuplane" / "catalog" / "data" / "charts"
    (charts / "keda-2.99.0.yaml").write_text((charts / "keda-2.20.2.yaml").read_text().replace('version: "2.20.2"', 'version: "2.99.0"'))

    assert _says(copy, "from gpuplane.catalog.charts import chart_versions; print(chart_versions('keda')[-1])") == "2.99.0"


def test_a_runtime(copy: Path) -> None:
    runtimes = copy / "gpuplane" / "catalog" / "data" / "runtimes"
    (runtimes / "more.yaml").write_text((runtimes / "custom.yaml").read_text().replace("name: custom", "name: more"))

    assert _says(copy, "from gpuplane.catalog.runtimes import shipped_runtimes; print('more' in shipped_runtimes())") == "True"


def test_a_gpu(copy: Path) -> None:
    gpus = copy / "gpuplane" / "catalog" / "data" / "gpus.yaml"
    rows = yaml.safe_load(gpus.read_text())
    rows["gpus"]["MORE-24GB"] = rows["gpus"]["L4-24GB"]
    gpus.write_text(yaml.safe_dump(rows, sort_keys=False))

    assert _says(copy, "from gpuplane.catalog import default_catalog; print('MORE-24GB' in default_catalog().gpus)") == "True"


def test_a_dashboard(copy: Path) -> None:
    (copy / "gpuplane" / "components" / "dashboards" / "one_more.py").write_text(DASHBOARD)
    _says(copy, "import runpy; runpy.run_module('gpuplane.components.dashboards.generate', run_name='__main__')")

    assert _says(copy, "from gpuplane.components.dashboards import shipped; print('one-more' in shipped())") == "True"
