"""What the kubelet of an EKS node is told by user data, in the language of its image."""

from __future__ import annotations

import base64

import yaml


def user_data(bottlerocket: bool, max_pods: int | None, shutdown_grace_seconds: int | None) -> str | None:
    """User data that EKS merges with its own, base64 encoded; None where nothing has to be said.

    AL2023 reads a ``NodeConfig`` (``node.eks.aws/v1alpha1``, awslabs/amazon-eks-ami nodeadm) in a MIME document, Bottlerocket its
    settings in TOML (``settings.kubernetes``). A sixth of the grace is kept for critical pods, which end last.
    """
    if max_pods is None and shutdown_grace_seconds is None:
        return None
    text = _toml(max_pods, shutdown_grace_seconds) if bottlerocket else _mime(max_pods, shutdown_grace_seconds)
    return base64.b64encode(text.encode()).decode()


def _critical(seconds: int) -> int:
    return max(1, seconds // 6)


def _toml(max_pods: int | None, grace: int | None) -> str:
    lines = ["[settings.kubernetes]"]
    if max_pods is not None:
        lines.append(f"max-pods = {max_pods}")
    if grace is not None:
        lines += [f'shutdown-grace-period = "{grace}s"', f'shutdown-grace-period-for-critical-pods = "{_critical(grace)}s"']
    return "\n".join(lines) + "\n"


def _mime(max_pods: int | None, grace: int | None) -> str:
    kubelet: dict[str, object] = {} if max_pods is None else {"maxPods": max_pods}
    if grace is not None:
        kubelet |= {"shutdownGracePeriod": f"{grace}s", "shutdownGracePeriodCriticalPods": f"{_critical(grace)}s"}
    config = {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": {"kubelet": {"config": kubelet}}}
    return ("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"NODE\"\n\n--NODE\nContent-Type: application/node.eks.aws\n\n"
            f"---\n{yaml.safe_dump(config, sort_keys=True)}\n--NODE--\n")
