"""Stacks of single tenants on the real API server: side by side, one failing, two runs at once, killed, approved, drifted, adopted, moved.

Told in order: each test begins where the one before it left the cluster.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cluster import Cluster, wait_for
from tests.integration.work import ROOT, Work

pytestmark = pytest.mark.integration

TENANTS = ("research", "search", "support")
APPLYING = "  tenant_stacks: true\n  applying:\n    approval: {approvers: [ada]}\n    break_glass: {allowed: [grace]}\n"


@pytest.fixture(scope="module")
def many(work: Work) -> Work:
    """The local environment with a stack for each tenant."""
    work.edit("environment.yaml", "  kueue:\n", "  tenant_stacks: true\n  kueue:\n")
    work.variables["XDG_STATE_HOME"] = str(work.folder / "home")
    return work


def _uids(cluster: Cluster, namespace: str) -> dict[str, tuple[str, Any]]:
    found = [cluster.get("v1", "Namespace", namespace) or {}]
    for version, kind in (("v1", "ResourceQuota"), ("v1", "ServiceAccount"), ("networking.k8s.io/v1", "NetworkPolicy"),
                          ("kueue.x-k8s.io/v1beta2", "LocalQueue"), ("serving.kserve.io/v1beta1", "InferenceService"), ("apps/v1", "Deployment")):
        found += cluster.list(version, kind, namespace)
    return {f"{one.get('kind')} {one['metadata']['name']}": (one["metadata"]["uid"], one["metadata"].get("generation")) for one in found}


def _start(work: Work, log: Path, *arguments: str, command: str = "up") -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "gpuplane", command, "local", *arguments, "--environments", str(work.environments)]
    with log.open("w") as sink:
        return subprocess.Popen(words, cwd=ROOT, env=work.variables, stdout=subprocess.DEVNULL, stderr=sink, text=True)


def _children(pid: int) -> list[int]:
    said = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(line) for line in said.split()]


def test_a_run_that_is_killed_is_recovered_by_the_next_and_one_tenants_failure_leaves_the_others_done(many: Work, cluster: Cluster) -> None:
    in_the_way = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "search"}}
    cluster.create(in_the_way)
    log = many.folder / "killed.log"
    run = _start(many, log, "--parallel", "1")
    wait_for(lambda: log.read_text().partition("✓ local-platform")[2].count(" created") > 4, "a tenant has some objects", 240)
    for pid in (run.pid, *_children(run.pid)):
        os.kill(pid, signal.SIGKILL)
    run.wait()

    done = many.gpuplane("up", "local", "--parallel", "2", status=3)
    cluster.delete(in_the_way)

    assert "the run that locked it is gone" in done.stderr
    assert "✓ local-tenants-research: " in done.stderr
    assert "✓ local-tenants-support: " in done.stderr
    assert "✗ local-tenants-search: failed" in done.stderr
    assert "already exists" in done.stderr
    assert "attempt 1 failed" not in done.stderr


def test_a_resumed_run_does_what_was_left_and_nothing_else(many: Work) -> None:
    done = many.gpuplane("up", "local", "--resume")

    assert "applying local-tenants-search" in done.stderr
    assert "applying local-tenants-support" not in done.stderr
    assert [one for one in many.planned() if not many.exists(one)] == []


def test_a_bare_pulumi_works_on_a_tenants_stack(many: Work) -> None:
    said = many.pulumi("preview", "--stack", "local-tenants-search", project=many.project("bare")).stdout

    assert "create" not in said
    assert "unchanged" in said


def test_pending_operations_are_settled(many: Work) -> None:
    """A create that Pulumi never heard the end of: of an object that is there, and of one that is not; and an update."""
    file = next(many.folder.rglob("state/.pulumi/stacks/gpuplane/local-tenants-research.json"))
    document = json.loads(file.read_text())
    state = document["checkpoint"]["latest"]
    there = next(one for one in state["resources"] if one["type"].endswith(":PodDisruptionBudget"))
    state["resources"].remove(there)
    there = {key: value for key, value in there.items() if key not in ("id", "outputs")}
    gone = {**there, "urn": there["urn"] + "-other", "inputs": {**there["inputs"], "metadata": {"name": "not-there", "namespace": "research"}}}
    changed = next(one for one in state["resources"] if one["type"].endswith(":LimitRange"))
    state["pending_operations"] = [{"resource": there, "type": "creating"}, {"resource": gone, "type": "creating"},
                                   {"resource": changed, "type": "updating"}]
    file.write_text(json.dumps(document))

    done = many.gpuplane("up", "local", "--tenant", "research")

    assert "PodDisruptionBudget research-resnet50 was being created when a run was killed: it is there" in done.stderr
    assert "it is not there" in done.stderr
    assert "16 unchanged" in done.stderr
    assert "pending_operations" not in json.loads(file.read_text())["checkpoint"]["latest"]


def test_two_runs_on_one_stack_wait_or_fail_clearly(many: Work) -> None:
    locks = many.folder / "state" / ".pulumi" / "locks" / "organization" / "gpuplane" / "local-tenants-search"
    locks.mkdir(parents=True, exist_ok=True)
    lock = locks / "11111111-1111-4111-8111-111111111111.json"
    lock.write_text(json.dumps({"pid": 1, "username": "ci", "hostname": "another-machine", "timestamp": "2026-01-01T00:00:00Z"}))

    refused = many.gpuplane("up", "local", "--tenant", "search", "--wait-for-lock", "0", status=3)
    waited = _start(many, many.folder / "waited.log", "--tenant", "search", "--wait-for-lock", "120")
    wait_for(lambda: "waits for ci@another-machine" in (many.folder / "waited.log").read_text(), "the second waits", 60)
    lock.unlink()
    status = waited.wait(120)

    assert "locked by ci@another-machine (process 1) since 2026-01-01" in refused.stderr
    assert "--take-over-lock" in refused.stderr
    assert status == 0, (many.folder / "waited.log").read_text()


def test_drift_says_who_changed_what_and_repair_brings_it_back(many: Work, cluster: Cluster) -> None:
    cluster.core.patch_namespaced_resource_quota("tenant", "search", {"spec": {"hard": {"pods": "7"}}}, field_manager="bob-edits")
    cluster.delete({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "allow-dns", "namespace": "support"}})

    changed = ("--tenant", "search", "--tenant", "support")
    said = many.gpuplane("drift", "local", *changed, status=1).stdout
    rows = json.loads(many.gpuplane("drift", "local", "--format", "json", "--tenant", "search", status=1).stdout)
    many.gpuplane("drift", "local", "--repair", *changed)

    assert "[search] ResourceQuota search-quota differs: spec.hard.pods (by bob-edits at 20" in said
    assert "[support] NetworkPolicy support-allow-dns is gone" in said
    assert rows["stacks"][0]["drift"][0]["fields"][0]["writers"][0]["manager"] == "bob-edits"
    again = many.gpuplane("drift", "local", *changed).stdout
    assert "differs" not in again
    assert "is gone" not in again


def test_only_what_is_approved_is_applied(many: Work, cluster: Cluster) -> None:
    many.edit("environment.yaml", "  tenant_stacks: true\n", APPLYING)
    many.variables["GPUPLANE_ACTOR"] = "ada"
    approval = many.folder / "approval.json"

    two = ("--tenant", "research", "--tenant", "search")
    held = many.gpuplane("up", "local", *two, status=1)
    many.gpuplane("approve", "local", *two, "--out", str(approval))
    many.edit("services/search/embeddings.yaml", "max_replicas: 2", "max_replicas: 1")
    done = many.gpuplane("up", "local", *two, "--approved", str(approval), status=1)

    assert "not approved" in held.stderr
    assert "✓ local-tenants-research" in done.stderr
    assert "✗ local-tenants-search: held" in done.stderr
    assert "it has changed since it was approved" in done.stderr


def test_drift_in_what_would_be_changed_stops_an_approved_apply_and_broken_glass_does_not(many: Work, cluster: Cluster) -> None:
    approval = many.folder / "approval.json"
    cluster.kind("serving.kserve.io/v1beta1", "InferenceService").patch(
        name="embeddings", namespace="search", body={"spec": {"predictor": {"maxReplicas": 3}}}, content_type="application/merge-patch+json",
        field_manager="bob-edits")

    many.edit("environment.yaml", APPLYING, "  tenant_stacks: true\n  applying: {drift: stop}\n")
    stopped = many.gpuplane("up", "local", "--tenant", "search", status=1)
    many.edit("environment.yaml", "  tenant_stacks: true\n  applying: {drift: stop}\n", APPLYING)
    many.gpuplane("approve", "local", "--tenant", "search", "--out", str(approval))
    held = many.gpuplane("up", "local", "--tenant", "search", "--approved", str(approval), status=1)
    refused = many.gpuplane("up", "local", "--tenant", "search", "--break-glass", "search is down for everybody", status=2)
    many.gpuplane("drift", "local", "--tenant", "search", "--repair", status=1)
    many.gpuplane("drift", "local", "--tenant", "search", "--repair", "--approved", str(approval))
    many.variables["GPUPLANE_ACTOR"] = "grace"
    many.gpuplane("up", "local", "--tenant", "search", "--break-glass", "search is down for everybody")
    audit = many.gpuplane("audit", "local", "--verify", status=None)

    assert "what it would change has drifted" in stopped.stderr
    assert "what it would change has drifted" in held.stderr
    assert "bob-edits" in held.stderr
    assert "ada may not break the glass; allowed: grace" in refused.stderr
    assert audit.returncode == 0, audit.stderr
    assert " verdict pass " in audit.stdout


def test_drift_is_said_recorded_and_taken_back_where_that_is_asked_for(many: Work, cluster: Cluster) -> None:
    services = cluster.kind("serving.kserve.io/v1beta1", "InferenceService")
    services.patch(name="embeddings", namespace="search", body={"spec": {"predictor": {"maxReplicas": 5}}},
                   content_type="application/merge-patch+json", field_manager="carol-edits")
    many.edit("services/search/embeddings.yaml", "max_replicas: 1", "max_replicas: 2")
    many.edit("environment.yaml", APPLYING, "  tenant_stacks: true\n  applying: {drift: report}\n")

    done = many.gpuplane("up", "local", "--tenant", "search")
    many.edit("environment.yaml", "  tenant_stacks: true\n  applying: {drift: report}\n", APPLYING)
    audit = many.gpuplane("audit", "local", status=None)

    assert "carol-edits" in done.stderr
    assert "it is taken back" in done.stderr
    assert services.get(name="embeddings", namespace="search").spec.predictor.maxReplicas == 2
    assert " drift " in audit.stdout


def test_what_runs_already_is_adopted_without_an_outage(many: Work, cluster: Cluster) -> None:
    """The state forgets a tenant: its objects are now as if made by hand."""
    many.edit("environment.yaml", APPLYING, "  tenant_stacks: true\n")
    file = next(many.folder.rglob("state/.pulumi/stacks/gpuplane/local-tenants-research.json"))
    document = json.loads(file.read_text())
    document["checkpoint"]["latest"]["resources"] = []
    file.write_text(json.dumps(document))
    before = _uids(cluster, "research")

    said = many.gpuplane("adopt", "local", "--tenant", "research", "--out", str(many.folder / "imports"), "--yes").stdout
    many.gpuplane("up", "local", "--tenant", "research")

    assert "16 adopted; the next up replaces none" in said
    assert len(json.loads((many.folder / "imports" / "local-tenants-research.import.json").read_text())["resources"]) == 16
    assert len(before) > 8
    assert _uids(cluster, "research") == before
    assert "no drift" in many.gpuplane("drift", "local", "--tenant", "research").stdout


def test_tenants_move_between_stacks_and_nothing_on_the_cluster_changes(many: Work, cluster: Cluster) -> None:
    before = {tenant: _uids(cluster, tenant) for tenant in TENANTS}
    many.edit("environment.yaml", "tenant_stacks: true", "tenant_stacks: false")

    refused = many.gpuplane("up", "local", status=2)
    many.gpuplane("migrate-stacks", "local", "--yes")
    one = many.gpuplane("up", "local", "--layer", "tenants")
    many.edit("environment.yaml", "tenant_stacks: false", "tenant_stacks: true")
    log = many.folder / "migrating.log"
    killed = _start(many, log, "--yes", command="migrate-stacks")
    wait_for(lambda: "resources from local-tenants" in log.read_text(), "a tenant has moved", 120)
    under_way = _children(killed.pid)
    killed.kill()
    killed.wait()
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in under_way), "what it had begun has ended", 60)
    rest = many.gpuplane("migrate-stacks", "local", "--yes")
    many_again = many.gpuplane("up", "local", "--layer", "tenants")

    assert "Run `gpuplane migrate-stacks local`" in refused.stderr
    for done in (one, many_again):
        assert not [line for line in done.stderr.splitlines() if " deleted" in line or " replaced" in line or "+ Namespace" in line]
    assert "local-tenants → local-tenants-support: " in rest.stdout
    assert "local-tenants → local-tenants-research: " not in rest.stdout
    assert {tenant: _uids(cluster, tenant) for tenant in TENANTS} == before


def test_state_is_copied_and_put_back(many: Work) -> None:
    copy = many.folder / "copy"
    many.gpuplane("state", "backup", "local", "--out", str(copy))
    many.pulumi("stack", "rm", "--yes", "--force", "local-tenants-search", project=many.project("removing"))

    many.gpuplane("state", "restore", "local", str(copy), "--before", str(many.folder / "before"), "--yes")

    assert "no drift" in many.gpuplane("drift", "local", "--tenant", "search").stdout
    assert "16 unchanged" in many.gpuplane("up", "local", "--tenant", "search").stderr


def test_tenants_without_a_document_go_with_their_stacks_only_by_name_and_what_is_protected_too(many: Work, cluster: Cluster) -> None:
    for name in ("research", "search"):
        (many.environments / "local" / "tenants" / f"{name}.yaml").unlink()
        for file in (many.environments / "local" / "services" / name).iterdir():
            file.unlink()
    uid = (cluster.get("v1", "Namespace", "kube-system") or {})["metadata"]["uid"]
    many.edit("environment.yaml", "  tenant_stacks: true\n", "  tenant_stacks: true\n  protected: true\n")
    many.edit("environment.yaml", "    context: ", f"    kube_system_uid: {uid}\n    context: ")

    unsaid = many.gpuplane("up", "local", "--offboard", "research", status=1)
    many.gpuplane("up", "local", "--layer", "tenants", "--offboard", "research", "--offboard", "search")  # theirs is not protected yet

    assert "no document describes search any more" in unsaid.stderr
    assert cluster.get("v1", "Namespace", "research") is None
    assert cluster.get("v1", "Namespace", "search") is None
    stacks = many.pulumi("stack", "ls", "--all", project=many.folder).stdout
    assert "local-tenants-support" in stacks
    assert "local-tenants-research" not in stacks

    approval = many.folder / "lift.json"
    refused = many.gpuplane("destroy", "local", "--layer", "tenants", "--yes", status=1)
    many.gpuplane("approve", "local", "--lift", "Namespace support-namespace", "--lift", "Tenant support", "--out", str(approval))
    many.gpuplane("destroy", "local", "--layer", "tenants", "--yes", "--approved", str(approval))

    assert "--lift 'Namespace support-namespace'" in refused.stderr
    assert cluster.get("v1", "Namespace", "support") is None
