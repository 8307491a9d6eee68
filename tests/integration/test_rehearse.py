"""``gpuplane rehearse`` on the real control plane: it agrees with a true plan, finds a false one, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from gpuplane.delivery.changes import IMMUTABLE
from gpuplane.delivery.rehearsal import rehearsal as rehearsals
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.cleaning import marked_objects
from gpuplane.delivery.rehearsal.control_plane import NotThrowAway, begin
from gpuplane.delivery.rehearsal.marks import RUNNING, SYSTEM, THROW_AWAY, marked
from gpuplane.delivery.rehearsal.render_text import to_text
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.loader import load_environment
from tests.integration.cluster import Cluster, wait_for
from tests.integration.rehearsal_process import ROOT, killed, rehearse_command
from tests.integration.rehearsal_wish import small, written
from tests.planning.wish import AS_OF

pytestmark = pytest.mark.integration
QUIET = lambda _line: None  # noqa: E731


@pytest.fixture
def throw_away(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster, marked as its users would mark it."""
    cluster.core.create_namespaced_config_map(SYSTEM, {"metadata": {"name": THROW_AWAY}})
    yield cluster
    rehearsals.clean_up(ApiServer(), QUIET)
    cluster.core.delete_namespaced_config_map(THROW_AWAY, SYSTEM)


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(rehearse_command(folder, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)


def _is_untouched() -> bool:
    return marked_objects(ApiServer()) == []


def test_a_cluster_that_nobody_gave_away_is_not_touched(cluster: Cluster, tmp_path: Path) -> None:
    done = _run(written(small(), tmp_path), "prod")

    assert done.returncode == 1, done.stderr
    assert "is not marked as throw-away, so nothing was touched" in done.stderr
    assert f"kubectl create configmap {THROW_AWAY} -n {SYSTEM}" in done.stderr
    assert _is_untouched()


def test_a_true_plan_agrees_and_nothing_stays(throw_away: Cluster, tmp_path: Path) -> None:
    done = _run(written(small(), tmp_path), "prod", "--format", "json", "--short")

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["rehearsal"]
    assert [claim["why"] for claim in found["claims"] if claim["verdict"] != "agree"] == ["no service has a canary"]
    assert any(claim["subject"] == "zone east" for claim in found["claims"])
    assert found["refused"] == []
    assert {claim["scenario"] for claim in found["claims"]} >= {"maximum load", "rolling update", "lost nodes", "offboarding"}
    rank = next(claim for claim in found["claims"] if claim["scenario"] == "maximum load" and claim["subject"] == "rehearsed-beta/rank")
    assert rank["observed"].startswith("4 of 6 admitted, 2 pending, 4 running")
    burst = {(claim["subject"], claim["claim"]): claim["observed"] for claim in found["claims"] if claim["scenario"].startswith("burst of")}
    assert int(burst["rehearsed-beta/rank", "replicas that are preempted"]) >= 1
    assert burst["rehearsed-acme/chat", "made whole"].startswith("after ")
    assert _is_untouched()
    with pytest.raises(ApiException):
        throw_away.core.read_namespace("rehearsed-acme")


def test_a_limit_that_is_too_short_is_no_disagreement_and_leaves_nothing(throw_away: Cluster) -> None:
    found = rehearsals.rehearse(ApiServer(), rehearsals.wanted(small().spec(), AS_OF, QUIET), ["minimum"], 0.5, QUIET)

    assert "Raise --limit" in found.unfinished
    assert (found.disagreements, found.agrees) == ((), False)
    assert _is_untouched()


def test_a_kueue_that_shares_otherwise_than_the_plan_is_said_and_not_loaded(throw_away: Cluster, tmp_path: Path) -> None:
    weighted = small().put("tenants/rehearsed-acme spec.fair_sharing_weight", 2)

    done = _run(written(weighted, tmp_path), "prod", "--scenario", "maximum")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "Not finished: the plan shares by weights, and Kueue here does not" in done.stdout
    assert "preemptionStrategies: [LessThanOrEqualToFinalShare, LessThanInitialShare]" in done.stdout
    assert "maximum load" not in done.stdout
    assert _is_untouched()


def test_what_is_not_as_planned_fails_the_run_with_both_sides(throw_away: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one run: a quota that was lowered, two wrong facts about what changes in place, and nodes that come back without GPUs."""
    monkeypatch.setitem(IMMUTABLE, "ClusterQueue", (("spec.resourceGroups", "nowhere"),))  # type: ignore[index]
    monkeypatch.delitem(IMMUTABLE, "LocalQueue")  # type: ignore[arg-type]
    work = rehearsals.wanted(small().spec(), AS_OF, QUIET)
    wrong = replace(work, views=tuple(_moved(_lowered(view)) for view in work.views))

    found = rehearsals.rehearse(ApiServer(), wrong, ["maximum", "lost-nodes"], 300, _broken(throw_away), short=True,
                                base=rehearsals.OtherRef("main", work.views))

    said = {(claim.scenario, claim.subject, claim.claim): claim for claim in found.disagreements}
    quota = said["maximum load", "rehearsed-acme/chat", "replicas that hold quota"]
    assert (quota.planned, quota.observed) == ("4 of 4 admitted", "1 of 4 admitted, 3 pending, 1 running")
    needless = said["upgrade", "ClusterQueue rehearsed-acme", "it cannot change in place"]
    assert (needless.planned, needless.observed) == ("replaced: spec.resourceGroups cannot change in place (nowhere)", "changed in place")
    unforeseen = said["upgrade", "LocalQueue rehearsed-acme/gpu", "it changes in place"]
    assert unforeseen.planned == "updated: spec.clusterQueue"
    assert unforeseen.observed.startswith("refused: ")
    assert "immutable" in unforeseen.observed
    gone = said["lost nodes", "pool rack", "all run again when it is back"]
    assert gone.planned == "all 2"
    assert gone.observed.startswith("0 after ")
    assert "rehearsed-acme/chat (0 of 1)" in gone.why
    assert not found.agrees
    text = to_text(found)
    for claim in (quota, needless, unforeseen, gone):
        assert f"    the plan says  {claim.planned}   ({claim.proof})\n    observed       {claim.observed}\n" in text


def _moved(view: ResourceView) -> ResourceView:
    """acme's LocalQueue, to another's quota."""
    if (view.kind, view.namespace) != ("LocalQueue", "rehearsed-acme"):
        return view
    return replace(view, props={**view.props, "spec": {"clusterQueue": "rehearsed-beta"}})


def _broken(cluster: Cluster) -> Callable[[str], None]:
    """The pool's nodes come back without their GPUs, as where the device plugin does not start; they have them again for what comes after."""
    def hear(line: str) -> None:
        if line.startswith(("lost nodes: pool rack is lost", "lost nodes: zone")):
            for number in range(2):
                gpus = {"nvidia.com/gpu": "0" if "pool" in line else "4"}
                cluster.core.patch_node_status(f"rehearsal-rack-{number}", {"status": {"capacity": gpus, "allocatable": gpus}})

    return hear


def _lowered(view: ResourceView) -> ResourceView:
    """The lender's queue with one GPU in place of six."""
    if view.kind != "ClusterQueue" or view.name != "rehearsed-acme":
        return view
    props: dict[str, Any] = json.loads(json.dumps(view.props))
    for resource in props["spec"]["resourceGroups"][0]["flavors"][0]["resources"]:
        if resource["name"] == "nvidia.com/gpu":
            resource.update({"nominalQuota": "1", "lendingLimit": "0"})
    return replace(view, props=props)


def test_an_upgrade_restarts_what_the_plan_says(throw_away: Cluster) -> None:
    before, after = small(), small()
    before.service("rehearsed-beta/leaves", "rack")
    for wish in (before, after):
        wish.put("services/rehearsed-beta/rank spec.scaling.max_replicas", 5)
    after.put("services/rehearsed-acme/chat spec.release.vllm.arguments.max_model_len", 4096)
    after.put("tenants/rehearsed-beta spec.quota.rack.borrowing_limit", 3)
    base = rehearsals.wanted(before.spec(), AS_OF, QUIET)

    found = rehearsals.rehearse(ApiServer(), rehearsals.wanted(after.spec(), AS_OF, QUIET), ["maximum"], 300, QUIET,
                                base=rehearsals.OtherRef("main", base.views))

    said = {claim.subject: claim for claim in found.claims if claim.scenario == "upgrade"}
    assert found.agrees, [claim for claim in found.claims if claim.verdict == "disagree"]
    assert said["rehearsed-acme/chat"].planned.startswith("its pods are made anew: spec.predictor.model.args")
    assert said["rehearsed-acme/chat"].observed == "0 of 1 pods are the same, 1 run"
    assert said["rehearsed-beta/rank"].planned == "its pods stay"
    assert any(claim.claim == "what is no longer declared goes" for claim in found.claims)


def test_what_is_in_the_way_is_refused(throw_away: Cluster) -> None:
    work = rehearsals.wanted(small().spec(), AS_OF, QUIET)
    throw_away.core.create_namespace({"metadata": {"name": "rehearsed-acme"}})
    try:
        with pytest.raises(NotThrowAway, match="Namespace rehearsed-acme"):
            rehearsals.rehearse(ApiServer(), work, ["minimum"], 300, QUIET)
    finally:
        throw_away.core.delete_namespace("rehearsed-acme")
        wait_for(lambda: "rehearsed-acme" not in {one.metadata.name for one in throw_away.core.list_namespace().items}, "it is gone")
    assert _is_untouched()


def test_a_killed_rehearsal_is_cleaned_up_behind(throw_away: Cluster, tmp_path: Path) -> None:
    said = killed(rehearse_command(written(small(), tmp_path), "prod"), "minimum load")

    assert "the rehearsal was killed: removing what it made" in said
    assert _is_untouched(), said
    assert throw_away.get("v1", "ConfigMap", RUNNING, SYSTEM) is None


def test_who_looks_after_a_killed_rehearsal_leaves_the_next_alone(throw_away: Cluster) -> None:
    server = ApiServer()
    former = begin(server, "prod")
    rehearsals.clean_up(server, QUIET)
    begin(server, "prod")
    server.apply(marked({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "of-the-next"}}, "prod"))

    done = subprocess.run([sys.executable, "-m", "gpuplane.delivery.rehearsal.guardian", former, "", ""], cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False, timeout=100)

    assert done.returncode == 0, done.stderr
    assert [body["metadata"]["name"] for _, body in marked_objects(server)] == ["of-the-next"]


def test_what_a_rehearsal_leaves_that_was_killed_with_who_looks_after_it_is_removed(throw_away: Cluster, tmp_path: Path) -> None:
    killed(rehearse_command(written(small(), tmp_path), "prod"), "minimum load", guarded=False)
    assert not _is_untouched()
    work = rehearsals.wanted(small().spec(), AS_OF, QUIET)

    with pytest.raises(NotThrowAway, match="gpuplane rehearse --clean"):
        rehearsals.rehearse(ApiServer(), work, ["minimum"], 300, QUIET)

    assert _run(tmp_path, "--clean").returncode == 0
    assert _is_untouched()


@pytest.mark.parametrize(("environment", "more"), [("dev", []), ("staging", ["canary"]), ("prod", [])])
def test_the_environments_of_this_repository_agree(throw_away: Cluster, environment: str, more: list[str]) -> None:
    """The shortest run that is honest, and the one canary there is; ``make rehearse`` does all scenarios."""
    spec = load_environment(ROOT / "environments", environment)

    found = rehearsals.rehearse(
        ApiServer(), rehearsals.wanted(spec, date(2026, 11, 21), QUIET), ["minimum", "maximum", *more], 300, QUIET, short=True)

    assert [claim for claim in found.claims if claim.verdict != "agree"] == []
    tried = [claim.claim.partition(":")[0] for claim in found.claims if claim.scenario == "canary and rollback"]
    assert tried == (["taken back", "tried", "taken on", "rolled back"] if more else [])
    assert found.agrees
    assert "made by the cloud, which is not there" in {one.why for one in found.left_out}
