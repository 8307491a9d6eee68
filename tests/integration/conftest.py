"""The real control plane as the judge: needs KUBECONFIG and pulumi on PATH, and nothing else.

Without them these tests are skipped in one line; with CI=true that is a failure. KUBECONFIG may name several clusters; then as many workers
(``-n 2 --dist loadfile``) share the files of tests, each on a cluster of its own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.cluster import Cluster
    from tests.integration.warm import WarmGpuplane
    from tests.integration.work import Work

HERE = Path(__file__).parent


def _own_cluster() -> str:
    """Workers never share a cluster: the tests of a file make, count and remove what is cluster-wide."""
    several = os.environ.setdefault("GPUPLANE_TEST_CLUSTERS", os.environ.get("KUBECONFIG", "")).split(os.pathsep)
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return several[number] if number < len(several) else ""


if os.environ.get("KUBECONFIG"):
    os.environ["KUBECONFIG"] = _own_cluster()
MISSING = [name for name, there in (("a cluster for each worker in KUBECONFIG", os.environ.get("KUBECONFIG")),
                                    ("pulumi on PATH", shutil.which("pulumi"))) if not there]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        if MISSING and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason=f"integration tests need {' and '.join(MISSING)}"))


@pytest.fixture(scope="session", autouse=True)
def equipment() -> None:
    if MISSING:
        pytest.fail(f"CI=true, and there is no {' and no '.join(MISSING)}", pytrace=False)


@pytest.fixture(scope="session")
def cluster(equipment: None) -> Cluster:
    from tests.integration.cluster import Cluster

    found = Cluster()
    found.ensure_nodes()
    return found


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmGpuplane]:
    from tests.integration.warm import WarmGpuplane

    started = WarmGpuplane(tmp_path_factory.mktemp("warm"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, warm: WarmGpuplane) -> Iterator[Work]:
    from tests.integration.work import Work

    folder = tmp_path_factory.mktemp("work")
    made = Work(folder, cluster, warm)
    yield made
    made.destroy_leftovers()

