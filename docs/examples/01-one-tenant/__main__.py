"""One team on a cluster that already runs Kueue."""

import pulumi
import pulumi_kubernetes as kubernetes

from gpuplane.components.gpu_quotas import FlavorArgs, GpuQuotas, GpuQuotasArgs
from gpuplane.components.queue_admission import QueueAdmission
from gpuplane.components.tenant import Tenant, TenantArgs
from gpuplane.components.tenant_access import AccessArgs
from gpuplane.components.tenant_queue import QuotaArgs, TenantQueueArgs

cluster = kubernetes.Provider("cluster", context=pulumi.Config().get("context") or "kind-kind")
on_cluster = pulumi.ResourceOptions(providers=[cluster])

h100 = FlavorArgs({"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}, devices_per_node={"nvidia.com/gpu": 8})
quotas = GpuQuotas("gpu-quotas", GpuQuotasArgs({"h100": h100}), on_cluster)
QueueAdmission("queue-admission", on_cluster)

share = {"nvidia.com/gpu": QuotaArgs(2), "cpu": QuotaArgs(24), "memory": QuotaArgs(256)}
args = TenantArgs("acme", "internal", access=AccessArgs(developers=("acme-engineers",)), device_ceilings={"nvidia.com/gpu": 16},
                  queue=TenantQueueArgs({"h100": share}))
acme = Tenant(
    "acme", args,
    pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[quotas])))

pulumi.export("namespace", acme.namespace)
