"""A CronJob that compares two samples with Evidently, and an alert when it fails: drift, or samples that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pulumi

from gpuplane.components.alerts import Alert, Runbook, Watch, alert_rule, group, rule_file, selector
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.quantity import amount, gib
from gpuplane.spec.vocabulary import MODEL_SERVER_ACCOUNT, TENANT

PROGRAM = """\
import os, sys
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

limit = float(os.environ["DRIFTED_COLUMNS_RATIO"])
reference, current = (pd.read_parquet(os.environ[name]) for name in ("REFERENCE", "CURRENT"))
columns = sorted(set(reference.columns) & set(current.columns))
result = Report([DataDriftPreset(drift_share=limit)]).run(current[columns], reference[columns]).dict()
name = lambda one: one.get("metric_name") or one["metric_id"]  # releases of 0.7 differ
share = next(float(one["value"]["share"]) for one in result["metrics"] if name(one).startswith("DriftedColumnsCount"))
print(f"{share:.1%} of {len(columns)} columns drifted; the limit is {limit:.1%}")
sys.exit(1 if share > limit else 0)
"""
"""What the job runs: Evidently 0.7's report on the columns that both samples have. It prints shares, never values."""


@dataclass(frozen=True)
class DriftJobArgs:
    """One service's job.

    Attributes:
        service, tenant: whose data it is; the tenant is the namespace.
        image: by digest.
        reference, current: S3 prefixes.
        schedule: cron, UTC.
        drifted_columns_ratio: 0 to 1.
        cpu, memory_gib: what its pod asks for.
        watch, labels: the owner, and what Prometheus selects rules by; None where nobody watches.
    """

    service: str
    tenant: str
    image: str
    reference: str
    current: str
    schedule: str
    drifted_columns_ratio: Decimal
    cpu: int
    memory_gib: int
    watch: Watch | None = None
    labels: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Name of the CronJob; its Jobs add a number, hence the bound of 52 characters (Kubernetes, CronJob)."""
        return f"{self.service}-drift"


class DriftJob(pulumi.ComponentResource):
    """The CronJob, and its alert where somebody watches."""

    def __init__(self, name: str, args: DriftJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:DriftJob", name, {"tenant": args.tenant, "service": args.service}, opts)
        options = child_options(self, opts)
        KubernetesObject(f"{args.tenant}-{args.name}", manifest(args), options)
        if args.watch is not None:
            rules = rule_file(f"gpuplane-{args.name}", args.tenant, args.labels or {}, [
                group(f"gpuplane-drift-{args.tenant}-{args.service}", [alert_rule(_alert(args), args.watch)], "5m")])
            KubernetesObject(f"{args.tenant}-{args.name}-rules", rules, options)
        self.register_outputs({})


def manifest(args: DriftJobArgs) -> Manifest:
    """The CronJob as its API takes it."""
    return {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata(args.name, args.tenant, {TENANT: args.tenant}),
        "spec": {"schedule": args.schedule, "timeZone": "Etc/UTC", "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 1,
                 "failedJobsHistoryLimit": 3, "jobTemplate": {"spec": {"backoffLimit": 0, "activeDeadlineSeconds": 3600, "template": {
                     "metadata": {"labels": {TENANT: args.tenant}}, "spec": _pod(args)}}}}}


def _pod(args: DriftJobArgs) -> dict[str, Any]:
    environment = {"CURRENT": args.current, "REFERENCE": args.reference, "HOME": "/tmp",  # noqa: S108
                   "DRIFTED_COLUMNS_RATIO": f"{args.drifted_columns_ratio.normalize():f}"}
    memory = gib(args.memory_gib)
    return {
        "restartPolicy": "Never", "serviceAccountName": MODEL_SERVER_ACCOUNT, "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "drift", "image": args.image, "command": ["python3", "-c", PROGRAM],
            "env": [{"name": name, "value": value} for name, value in sorted(environment.items())],
            "resources": {"requests": {"cpu": amount(args.cpu), "memory": memory}, "limits": {"cpu": amount(args.cpu), "memory": memory}},
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],  # noqa: S108 an empty folder of the pod's own
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}]}


def _alert(args: DriftJobArgs) -> Alert:
    jobs = selector({"namespace": args.tenant}, f'job_name=~"{args.name}-[0-9]+"')
    return Alert(
        "DataDrift", f"max by (namespace) (kube_job_status_failed{jobs}) > 0", "", "warning",
        f"{args.tenant}/{args.service}: the drift job failed: the data drifted, or it could not be read",
        Runbook("What the model gets now differs from what it was approved with in more columns than allowed; its answers may be worse.",
                f"kubectl -n {args.tenant} logs job/… of the last {args.name} job: how many columns drifted, or what it could not read.",
                "Look at the columns in Evidently; retrain, or take new reference samples if that is wanted; then delete the job."),
        {"tenant": args.tenant, "service": args.service})
