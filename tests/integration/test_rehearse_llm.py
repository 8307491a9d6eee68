"""``gpuplane rehearse`` with LLMInferenceServices: what KServe's own controller makes of them is loaded, rolled and lost like any other."""

from __future__ import annotations

import pytest
from kubernetes import dynamic

from gpuplane.delivery.rehearsal import rehearsal as rehearsals
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.cleaning import marked_objects
from gpuplane.spec.vocabulary import KSERVE_LLM
from tests.integration.cluster import Cluster
from tests.integration.rehearsal_wish import as_llm, small
from tests.integration.test_rehearse import QUIET, throw_away  # noqa: F401 a fixture
from tests.planning.scaling_wish import KEDA, URL
from tests.planning.wish import AS_OF, Wish

pytestmark = pytest.mark.integration
SHARED, GROUPED, SPLIT = "rehearsed-beta/rank", "rehearsed-acme/wide", "rehearsed-acme/split"


@pytest.fixture
def llm(throw_away: Cluster) -> Cluster:  # noqa: F811 a fixture
    try:
        throw_away.kind(KSERVE_LLM, "LLMInferenceService")
    except dynamic.exceptions.ResourceNotFoundError:
        pytest.skip("the cluster has no LLMInferenceService: its CRD is not installed")
    return throw_away


def _wish() -> Wish:
    """``rank`` as one that KEDA scales; ``split`` reads prompts elsewhere; ``wide`` spans two pods."""
    wish = small().put("environment spec.leader_worker_set", {"install": "external", "version": "0.10.0"})
    del wish.documents["services/rehearsed-acme/chat"]
    wish.put("environment spec.cluster.api_server_cidrs", ["10.0.0.10/32"])
    for name, fields in {SPLIT: {"router": {"scheduler": {}}, "prefill": {
            "replicas": 1, "parallelism": {"tensor": 1}, "resources": {"cpu": 4, "memory_gib": 32}}},
            GROUPED: {"parallelism": {"tensor": 1, "pipeline": 2}}}.items():
        wish.service(name, "rack", **fields)
    for name in (SHARED, SPLIT, GROUPED):
        as_llm(wish, name)
    wish.put("environment spec.keda", KEDA).put("environment spec.monitoring", {"prometheus_url": URL})
    return wish.put(f"services/{SHARED} spec.scaling.triggers", {"waiting_requests": 4}).put(f"services/{SHARED} spec.scaling.max_replicas", 4)


def test_replicas_of_one_pod_are_rehearsed_and_groups_are_named(llm: Cluster) -> None:
    work = rehearsals.wanted(_wish().spec(), AS_OF, QUIET)

    found = rehearsals.rehearse(ApiServer(), work, ["minimum", "maximum", "rolling-update", "lost-nodes", "offboarding"], 400, QUIET, short=True)

    assert found.agrees, [claim for claim in found.claims if claim.verdict == "disagree"]
    assert [(claim.subject, claim.why) for claim in found.claims if claim.verdict == "not rehearsed"] == [
        (GROUPED, "replicas of several pods are not rehearsed")]
    seen = {(claim.scenario, claim.subject, claim.claim): claim.observed for claim in found.claims}
    assert seen["maximum load", f"{SPLIT}-prefill", "replicas that hold quota"] == "1 of 1 admitted, 0 pending, 1 running"
    assert seen["maximum load", SHARED, "replicas that hold quota"].endswith("4 running")
    rolled = {claim.subject for claim in found.claims if claim.scenario == "rolling update"}
    assert rolled == {SHARED, SPLIT, f"{SPLIT}-prefill"}
    assert marked_objects(ApiServer()) == []


def test_an_upgrade_restarts_the_role_that_it_changes(llm: Cluster) -> None:
    before, after = _wish(), _wish()
    after.put(f"services/{SPLIT} spec.prefill.resources.cpu", 5)
    after.put(f"services/{SHARED} spec.release.vllm.arguments.max_model_len", 4096)
    base = rehearsals.wanted(before.spec(), AS_OF, QUIET)

    found = rehearsals.rehearse(ApiServer(), rehearsals.wanted(after.spec(), AS_OF, QUIET), ["minimum"], 300, QUIET,
                                base=rehearsals.OtherRef("main", base.views))

    assert found.agrees, [claim for claim in found.claims if claim.verdict == "disagree"]
    said = {claim.subject: claim.planned for claim in found.claims if claim.scenario == "upgrade"}
    assert said[SPLIT] == "its pods stay"
    assert said[f"{SPLIT}-prefill"].startswith("its pods are made anew: spec.prefill.template.")
    assert said[SHARED].startswith("its pods are made anew: spec.template.")
