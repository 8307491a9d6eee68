"""The real Kueue as the judge of the admission model, sharing in its classical way (:mod:`tests.integration.kueue_judge`)."""

from __future__ import annotations

import pytest

from tests.integration.cluster import Cluster
from tests.integration.cohort_trees import case
from tests.integration.kueue_judge import Asked, asked, differences

pytestmark = pytest.mark.integration

TREES = 104
FIRST_SEED = 1000
AT_LEAST = 100


@pytest.fixture(scope="module")
def cases() -> dict[str, Asked]:
    return {one.case.name: one for one in asked(case, FIRST_SEED, TREES)}


def test_the_trees_are_worth_asking_about(cases: dict[str, Asked]) -> None:
    """Contention, preemption, every strategy and MIG are in the sample: an empty agreement is none."""
    queues = [queue for one in cases.values() for queue in one.case.setting.queues.values()]
    assert {queue.strategy for queue in queues} == {"StrictFIFO", "BestEffortFIFO"}
    assert {queue.preemption.reclaim_within_cohort for queue in queues} == {"Never", "LowerPriority", "Any"}
    assert {len(queue.groups[0].flavors) for queue in queues} == {1, 2, 3}
    assert sum("nvidia.com/mig-1g.10gb" in queue.groups[0].covered for queue in queues) >= 20
    assert sum(any(state.evicted for _, state in one.steps) for one in cases.values()) >= 10
    assert sum(len(one.steps[-1][1].holders) < sum(map(len, one.case.phases)) for one in cases.values()) >= 50
    assert all(one.case.setting.cohorts for one in cases.values())


def test_kueue_admits_what_the_model_admits(cluster: Cluster, cases: dict[str, Asked]) -> None:
    assert len(cases) >= AT_LEAST
    assert differences(cluster, cases) == {}
