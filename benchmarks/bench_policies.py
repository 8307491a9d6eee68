"""All rules over 10,000 manifests, and Checkov's Kubernetes runner over the same files: ``python -m benchmarks.bench_policies [TEAMS]``.

Checkov runs in an environment of its own (``locks/checkov.txt``): ``GPUPLANE_CHECKOV_PYTHON`` names its interpreter, else
``.venv-checkov/bin/python`` is taken where it is there. Both are whole processes that read the files and judge them in memory.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.process import ROOT, measured

TEAMS = 500
"""Namespaces; each has twenty objects, as :func:`write_manifests` makes them: 10,000 in all."""
_RUNNER = """
import sys
from checkov.kubernetes.runner import Runner
from checkov.runner_filter import RunnerFilter
Runner().run(root_folder=sys.argv[1], runner_filter=RunnerFilter(framework=["kubernetes"]))
"""
_OURS = """
import sys
from datetime import date
from pathlib import Path
from gpuplane.delivery.check import check_paths
from gpuplane.spec.vocabulary import LabelMap
check_paths([Path(sys.argv[1])], LabelMap(), (), date(2026, 11, 21))
"""
_NAMESPACE = """\
apiVersion: v1
kind: Namespace
metadata: {{name: {team}, labels: {{gpuplane.dev/tenant: {team}, gpuplane.dev/data-classification: internal}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: default-deny, namespace: {team}}}
spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: server, namespace: {team}}}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: readers, namespace: {team}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: [{{kind: Group, name: {team}, apiGroup: rbac.authorization.k8s.io}}]
"""
_APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
  namespace: {team}
  labels: {{app: {app}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {app}}}}}
  template:
    metadata: {{labels: {{app: {app}}}}}
    spec:
      serviceAccountName: server
      securityContext: {{runAsNonRoot: true, seccompProfile: {{type: RuntimeDefault}}}}
      containers:
        - name: server
          image: registry.example.com/{team}/{app}:1.{number}
          ports: [{{containerPort: 8080}}]
          env: [{{name: LOG_LEVEL, value: info}}]
          readinessProbe: {{httpGet: {{path: /ready, port: 8080}}}}
          resources: {{requests: {{cpu: 500m, memory: 1Gi}}, limits: {{memory: 1Gi}}}}
          securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
          volumeMounts: [{{name: tmp, mountPath: /tmp}}]
      volumes: [{{name: tmp, emptyDir: {{sizeLimit: 1Gi}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {app}, namespace: {team}}}
spec: {{selector: {{app: {app}}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {app}, namespace: {team}}}
data: {{settings.yaml: "workers: 4"}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: {app}-report, namespace: {team}}}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{{name: report, image: "registry.example.com/{team}/report:latest", args: [--since=1d]}}]
"""
APPS = 4
"""Of one team: four objects each, beside the four of its namespace."""


def write_manifests(folder: Path, teams: int) -> int:
    """Manifests of ``teams`` namespaces, one file for a namespace and one for each application; returns how many objects."""
    for team in (f"team-{number}" for number in range(teams)):
        folder.joinpath(f"{team}.yaml").write_text(_NAMESPACE.format(team=team))
        for number in range(APPS):
            folder.joinpath(f"{team}-{number}.yaml").write_text(_APP.format(team=team, app=f"app-{number}", number=number))
    return teams * 4 * (1 + APPS)


def main(teams: int = TEAMS) -> None:
    """Measure and print."""
    checkov = Path(os.environ.get("GPUPLANE_CHECKOV_PYTHON", ROOT / ".venv-checkov" / "bin" / "python"))
    with tempfile.TemporaryDirectory() as folder:
        count = write_manifests(Path(folder), teams)
        ours, mib = measured(["-c", _OURS, folder])
        print(f"{count} manifests, all rules: {ours:.1f} s, {mib:.0f} MiB. Aim: 10 s")
        if not checkov.exists():
            print("Checkov is not there: make an environment of locks/checkov.txt and name it with GPUPLANE_CHECKOV_PYTHON")
            return
        theirs, mib = measured(["-c", _RUNNER, folder], runs=1, python=str(checkov), environment={"LOG_LEVEL": "ERROR"})
        print(f"{count} manifests, Checkov's Kubernetes runner: {theirs:.1f} s, {mib:.0f} MiB; {theirs / ours:.0f} × ours. Aim: 20 ×")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
