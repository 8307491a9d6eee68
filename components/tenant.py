"""A team's place on the cluster: namespace, limits, access, network isolation, secrets and its queue.

It owns everything that bears the tenant's name. It refuses to own what tenants share (flavors, cohorts,
runtimes, the admission policy): those belong to the platform and are referred to by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, metadata
from gpuplane.components.quantity import amount, gib
from gpuplane.components.tenant_network import TenantNetwork, TenantNetworkArgs
from gpuplane.components.tenant_queue import TenantQueue, TenantQueueArgs
from gpuplane.components.tenant_secrets import TenantSecrets, TenantSecretsArgs
from gpuplane.components.tenant_volcano_queue import TenantVolcanoQueue, TenantVolcanoQueueArgs
from gpuplane.spec.vocabulary import (
    ALLOWED_MODEL_SOURCES,
    ALLOWED_REGIONS,
    ALLOWED_REGISTRIES,
    BUDGET_BLOCK_PERCENT,
    COST_CENTER,
    DATA_CLASS_SYNONYMS,
    DATA_CLASSIFICATION,
    ENVIRONMENT,
    MANAGED_BY,
    MODEL_SERVER_ACCOUNT,
    MONTHLY_BUDGET_USD,
    SOURCE,
    TENANT,
)


@dataclass(frozen=True)
class TenantArgs:
    """What a tenant is.

    Attributes:
        name: name of the tenant and of its namespace.
        data_classification: ``public``, ``internal``, ``confidential``, ``personal`` (or ``pii``) or ``special``.
        environment: name of the environment, for labels.
        budget_usd_per_month: committed budget in US dollars a month, None for none.
        budget_block_percent: of it; a commitment of more is refused.
        allowed_regions, allowed_registries, allowed_model_sources: prefixes that rules hold the tenant to.
        pod_security: Pod Security Standard that the namespace enforces.
        admins, viewers: groups that may change or see the tenant's workloads.
        device_ceilings: device resource to the most that pods of the namespace may ask for, waiting ones included;
            0 forbids a type the tenant does not own. Keep it well over nominal + borrowing + surge: the queue
            limits GPUs, and this quota would reject what the queue would hold.
        max_pods: most pods in the namespace.
        host_ceiling: CPU cores and memory in GiB that all its pods may ask for; None leaves them open.
        queue: its ClusterQueue and LocalQueue; None on clusters without Kueue.
        network: what may cross the namespace's border, besides DNS.
        secrets: references into secret stores; None for none.
        source: document that asked for it, for reports.
    """

    name: str
    data_classification: Literal["public", "internal", "confidential", "personal", "special", "pii"]
    environment: str = ""
    budget_usd_per_month: Decimal | None = None
    budget_block_percent: int = 100
    cost_center: str | None = None
    allowed_regions: tuple[str, ...] = ()
    allowed_registries: tuple[str, ...] = ()
    allowed_model_sources: tuple[str, ...] = ()
    pod_security: Literal["baseline", "restricted"] = "restricted"
    admins: tuple[str, ...] = ()
    viewers: tuple[str, ...] = ()
    device_ceilings: Mapping[str, int] = field(default_factory=dict)
    max_pods: int = 500
    host_ceiling: tuple[int, int] | None = None
    queue: TenantQueueArgs | None = None
    volcano: TenantVolcanoQueueArgs | None = None
    network: TenantNetworkArgs = field(default_factory=TenantNetworkArgs)
    secrets: TenantSecretsArgs | None = None
    source: str = ""


class Tenant(pulumi.ComponentResource):
    """One tenant and all that is its own.

    Attributes:
        namespace: name of its namespace, known once the namespace exists.
        queue_name: LocalQueue to label GPU workloads with, None without a queue.
    """

    namespace: pulumi.Output[str]
    queue_name: str | None

    def __init__(self, name: str, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Tenant", name, {"name": args.name}, opts)
        self._args = args
        self.space = self._child("namespace", self._namespace(), pulumi.ResourceOptions(parent=self))
        # `protect` on a tenant is for its namespace, and all that goes with it: a border or a limit must stay changeable.
        self._opts = pulumi.ResourceOptions(parent=self, depends_on=[self.space], deleted_with=self.space, protect=False)
        for suffix, manifest in self._limits() + self._access():
            self._child(suffix, manifest, self._opts)
        self.network = TenantNetwork(name, args.name, args.network, self._opts)
        if args.secrets is not None:
            TenantSecrets(name, args.name, args.secrets, self._opts)
        if args.queue is not None:
            TenantQueue(name, args.name, args.queue, pulumi.ResourceOptions(parent=self, depends_on=[self.space], protect=False))
        if args.volcano is not None:
            TenantVolcanoQueue(name, args.name, args.volcano, pulumi.ResourceOptions(parent=self, depends_on=[self.space], protect=False))
        self.queue_name = args.queue.local_queue if args.queue is not None else None
        self.namespace = self.space.urn.apply(lambda _: args.name)
        self.register_outputs({"namespace": args.name})

    def _child(self, suffix: str, manifest: Manifest, opts: pulumi.ResourceOptions) -> KubernetesObject:
        return KubernetesObject(f"{self._args.name}-{suffix}", manifest, opts)

    def _namespace(self) -> Manifest:
        args = self._args
        data = DATA_CLASS_SYNONYMS.get(args.data_classification, args.data_classification)
        labels = {TENANT: args.name, DATA_CLASSIFICATION: data, MANAGED_BY: "gpuplane"}
        labels |= {f"pod-security.kubernetes.io/{mode}": args.pod_security for mode in ("enforce", "audit", "warn")}
        annotations = {ALLOWED_REGIONS: ",".join(args.allowed_regions), ALLOWED_REGISTRIES: ",".join(args.allowed_registries),
                       ALLOWED_MODEL_SOURCES: ",".join(args.allowed_model_sources), COST_CENTER: args.cost_center or "",
                       SOURCE: args.source}
        if args.environment:
            labels[ENVIRONMENT] = args.environment
        if args.budget_usd_per_month is not None:
            annotations[MONTHLY_BUDGET_USD] = str(args.budget_usd_per_month)
            annotations[BUDGET_BLOCK_PERCENT] = str(args.budget_block_percent) if args.budget_block_percent != 100 else ""
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(
            args.name, labels=labels, annotations={key: value for key, value in annotations.items() if value})}

    def _limits(self) -> list[tuple[str, Manifest]]:
        args = self._args
        most = amount(args.max_pods)  # a Service and a volume claim for each pod are plenty
        hard = {"pods": most, "services": most, "persistentvolumeclaims": most, "services.loadbalancers": "0", "services.nodeports": "0"}
        hard |= {f"requests.{resource}": amount(ceiling) for resource, ceiling in args.device_ceilings.items()}
        if args.host_ceiling is not None:
            cores, memory_gib = args.host_ceiling
            hard |= {"requests.cpu": amount(cores), "requests.memory": gib(memory_gib), "limits.memory": gib(memory_gib)}
        limit = {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m", "memory": "256Mi"}}
        return [
            ("quota", {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata("tenant", args.name),
                       "spec": {"hard": dict(sorted(hard.items()))}}),
            ("limits", {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata("tenant", args.name),
                        "spec": {"limits": [limit]}}),
        ]

    def _access(self) -> list[tuple[str, Manifest]]:
        account: Manifest = {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False,
                             "metadata": metadata(MODEL_SERVER_ACCOUNT, self._args.name)}
        return [("account", account), *self._role("admin", self._args.admins, _ADMIN), *self._role("viewer", self._args.viewers, _VIEWER)]

    def _role(self, role: str, groups: tuple[str, ...], rules: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...],
              ) -> list[tuple[str, Manifest]]:
        if not groups:
            return []
        rbac, name = "rbac.authorization.k8s.io", f"tenant-{role}"
        listed = [{"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)} for group, resources, verbs in rules]
        return [
            (f"{role}-role", {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": metadata(name, self._args.name), "rules": listed}),
            (f"{role}-binding", {
                "apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": metadata(name, self._args.name),
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
                "subjects": [{"apiGroup": rbac, "kind": "Group", "name": group} for group in sorted(groups)]}),
        ]


_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "update", "patch", "delete")
_VIEWER = (
    ("", ("pods", "pods/log", "services", "configmaps", "events", "resourcequotas"), _READ),
    ("apps", ("deployments", "statefulsets"), _READ),
    ("batch", ("jobs", "cronjobs"), _READ),
    ("kueue.x-k8s.io", ("localqueues", "workloads"), _READ),
    ("serving.kserve.io", ("inferenceservices",), _READ),
)
# No Secrets (ExternalSecrets bring them), no exec, no network policies, quotas, queues or roles: those are the platform's.
_ADMIN = (
    *_VIEWER,
    ("", ("pods", "services", "configmaps"), _WRITE),
    ("apps", ("deployments", "statefulsets"), _WRITE),
    ("batch", ("jobs", "cronjobs"), _WRITE),
)
