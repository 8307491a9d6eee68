"""``gpuplane check``: somebody's manifests in, findings in a contract's shape out."""

import json
import os
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.check import check_paths, to_json
from gpuplane.spec.exemptions import Exemption, ObjectSelector
from gpuplane.spec.vocabulary import LabelMap

DAY = date(2026, 11, 21)
BAD = """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: tools, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: server, uid: "1"}]}
spec:
  serviceAccountName: server
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: c
      image: example.com/server@sha256:0f9e5a4b2c8d7f6e1a3b5c7d9e0f2a4b6c8d0e1f3a5b7c9d1e2f4a6b8c0d2e4f
      securityContext: {privileged: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
      readinessProbe: {httpGet: {port: 8080}}
      resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: server, namespace: tools}
automountServiceAccountToken: false
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: tools}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""
GOOD = BAD.replace("privileged: true", "privileged: false")


def _folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text)
    return path


def test_files_are_each_others_context(tmp_path: Path) -> None:
    _folder(tmp_path, pod=GOOD)
    alone = check_paths([tmp_path], LabelMap(), (), DAY)
    _folder(tmp_path, policy=POLICY)
    together = check_paths([tmp_path], LabelMap(), (), DAY)

    assert [finding.rule for finding in alone.findings] == ["TI-01", "TI-03"]
    assert (together.findings, together.exit_status, together.objects) == ((), 0, 3)


def test_a_violation_has_file_and_line_and_exit_status_1(tmp_path: Path) -> None:
    result = check_paths([_folder(tmp_path, pod=BAD, policy=POLICY)], LabelMap(), (), DAY)

    (finding,) = result.findings
    assert (finding.rule, finding.file, finding.line) == ("WS-01", (tmp_path / "pod.yaml").as_posix(), 2)
    assert result.exit_status == 1


def test_an_exemption_waives_a_manifests_violation(tmp_path: Path) -> None:
    exemption = Exemption(rule="WS-01", resource=ObjectSelector(kind="Pod", name="server", namespace="tools"), owner="ops",
                          reason="driver installer until the image has it", approval="PR 7", expires="2026-12-01")
    result = check_paths([_folder(tmp_path, pod=BAD, policy=POLICY)], LabelMap(), (exemption,), DAY)

    assert result.exit_status == 0
    assert json.loads(to_json(result))["findings"][0]["waived"].startswith("driver installer")


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    result = check_paths([_folder(tmp_path, broken="a: [", pod=BAD, policy=POLICY)], LabelMap(), (), DAY)

    assert [finding.rule for finding in result.findings] == ["WS-01"]
    assert [error.file for error in result.errors] == [(tmp_path / "broken.yaml").as_posix()]
    assert result.exit_status == 2


@pytest.mark.parametrize("text", ["name: values\n", ""])
def test_nothing_to_judge_is_no_pass(tmp_path: Path, text: str) -> None:
    result = check_paths([_folder(tmp_path, values=text)], LabelMap(), (), DAY)

    assert result.exit_status == 2
    assert "holds no Kubernetes object" in result.errors[0].message


def test_the_json_is_the_contracts(tmp_path: Path) -> None:
    result = check_paths([_folder(tmp_path, pod=BAD, policy=POLICY, broken="a: [")], LabelMap(), (), DAY)
    report = json.loads(to_json(result))

    assert (report["schema_version"], report["verdict"], report["as_of"], report["objects"]) == (1, "fail", "2026-11-21", 3)
    assert {"rule", "severity", "verdict", "file", "line", "kind", "namespace", "name", "message", "remedy"} <= set(report["findings"][0])
    assert report["findings"][0]["rule"] == "WS-01"
    assert report["errors"][0]["file"].endswith("broken.yaml")
    assert "WS-01" in report["rules"]


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    _folder(tmp_path, a=BAD, b=GOOD.replace("server", "other"))

    first, second = (to_json(check_paths(paths, LabelMap(), (), DAY)) for paths in
                     ([tmp_path / "a.yaml", tmp_path / "b.yaml"], [tmp_path / "b.yaml", tmp_path / "a.yaml"]))
    assert first == second


def test_somebody_elses_labels_count(tmp_path: Path) -> None:
    worn = "{team: red, pod-security.kubernetes.io/enforce: restricted}"
    _folder(tmp_path, place=f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: tools, labels: {worn}}}\n", policy=POLICY)

    ours, theirs = ({finding.rule for finding in check_paths([tmp_path], labels, (), DAY).findings} for labels in
                    (LabelMap(), LabelMap(tenant="team")))

    assert ours == set()
    assert theirs == {"PII-01", "QF-02", "QF-03", "QF-12"}


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit"])
def test_a_file_whose_name_is_no_text_is_named_by_its_bytes(form: str, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.yaml")
    Path(odd).write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: a}]}\n")
    for name in (odd, f"{odd}.missing"):
        done = CliRunner().invoke(cli, ["check", "--format", form, name])
        assert done.exit_code in (1, 2), done.output
        assert "udcff" in done.output
