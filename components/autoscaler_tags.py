"""By what tags of an Auto Scaling group the cluster autoscaler knows a node that does not run yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpuplane.components.gpu_quotas import TaintArgs

PREFIX = "k8s.io/cluster-autoscaler/node-template"
"""kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws/README.md, "Scaling a node group to 0"."""


def node_template_tags(labels: Mapping[str, str], taints: Sequence[TaintArgs], resources: Mapping[str, int]) -> dict[str, str]:
    """Tag key to value: labels, taints (``value:effect``, in the Kubernetes spelling) and what a node has of each resource.

    GPUs of an instance type the autoscaler knows by itself; MIG devices, shared GPUs and EFA interfaces it does not.
    """
    found = {f"{PREFIX}/label/{key}": value for key, value in labels.items()}
    found |= {f"{PREFIX}/taint/{taint.key}": f"{taint.value}:{taint.effect}" for taint in taints}
    found |= {f"{PREFIX}/resources/{name}": str(count) for name, count in resources.items() if count}
    return dict(sorted(found.items()))
