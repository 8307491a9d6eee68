"""The real Kueue as the judge of the admission model, sharing by weights (:mod:`tests.integration.kueue_judge`).

Fair sharing is a matter of Kueue's whole configuration, so that this one is started for it, beside the cluster that KUBECONFIG names.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gpuplane.components.kueue import FAIR_SHARING
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.local.managers import certificate
from gpuplane.delivery.rehearsal.local.throw_away import throw_away_cluster
from tests.integration.cluster import Cluster
from tests.integration.cohort_trees import fair_case
from tests.integration.kueue_judge import Asked, asked, differences, is_settled_by_weights
from tests.integration.local_manifests import write_manifests

pytestmark = pytest.mark.integration

TREES = 60
FIRST_SEED = 7000
_AS_MODELLED = {"fairSharing": dict(FAIR_SHARING), "featureGates": {"RecomputeAssignmentUponPreemptionTargetsOverlap": False}}
"""The gate is on by default from 0.20; the model is of 0.19, where it is not."""


@pytest.fixture(scope="module")
def cases() -> dict[str, Asked]:
    return {one.case.name: one for one in asked(fair_case, FIRST_SEED, TREES)}


@pytest.fixture(scope="module")
def fair_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A control plane of its own. Kueue's manager wants a certificate for metrics that nobody reads."""
    home = tmp_path_factory.mktemp("fair")
    certificate(home / "metrics")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUEUE_METRICS_CERT_DIR", str(home / "metrics"))
        with throw_away_cluster([write_manifests(home / "manifests")], print, _AS_MODELLED) as server:
            yield server


def test_the_trees_are_worth_asking_about(cases: dict[str, Asked]) -> None:
    """Preemption, weights of none, nested cohorts and outcomes that weights decide are in the sample."""
    settings = [one.case.setting for one in cases.values()]
    assert sum(any(state.evicted for _, state in one.steps) for one in cases.values()) >= 10
    assert sum(any(cohort.parent for cohort in each.cohorts.values()) for each in settings) >= 10
    assert sum(any(queue.quotas.weight == 0 for queue in each.queues.values()) for each in settings) >= 10
    assert sum(map(is_settled_by_weights, cases.values())) >= 8


def test_kueue_admits_what_the_model_admits(fair_server: ApiServer, cases: dict[str, Asked]) -> None:
    assert differences(Cluster(fair_server.kubeconfig), cases) == {}
