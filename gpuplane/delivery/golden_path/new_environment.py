"""Documents of a new environment and of a pool: on a cluster that is there, on EKS that is there, or on EKS from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.delivery.command_line import COUNT, Number
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.documents import plain_number
from gpuplane.delivery.golden_path.questions import Question, answered
from gpuplane.spec.eks import REQUIRED_ADDONS
from gpuplane.spec.policies import PRODUCTION_WORDS

DEFAULT_NETWORK = "10.60.0.0/16"
"""Addresses of a network that gpuplane creates, where nothing else is said."""
_REGISTRIES = ("docker.io/vllm/", "docker.io/kserve/")
"""vLLM's images, and KServe's storage initializer, which downloads the weights."""
_SYSTEM_NODES = ("m7i.xlarge",)


def environment_spec(name: str, given: Mapping[str, Any], ask: bool | None) -> dict[str, Any]:
    """The fields of ``environment.yaml``.

    Args:
        given: answers from flags.
        ask: as :func:`gpuplane.delivery.golden_path.questions.answered` takes it.

    Raises:
        CannotStart: answers are missing, or do not go together.
    """
    found = answered(given, [
        Question("cloud", "aws, or existing for any cluster that is there", default="existing"),
        Question("context", "context of the kubeconfig", default=name),
        Question("kubernetes_version", "minor version of Kubernetes", default="1.36"),
        Question("budget_usd_per_month", "US dollars that a month may cost", type=Number(min=0))], ask)
    cluster = {"name": name, "context": found["context"], "kube_system_uid": found["kube_system_uid"],
               "kubernetes_version": found["kubernetes_version"]}
    if found["cloud"] == "aws":
        cloud: dict[str, Any] = {"cloud": "aws", "aws": _aws(found, ask), "cluster": cluster}
    else:
        cloud = {"cloud": found["cloud"], "cluster": {**cluster, "region": found["region"]}}
    if name in PRODUCTION_WORDS and (found["kube_system_uid"] or "eks" in cloud.get("aws", {})):
        cloud["protected"] = True
    return {**cloud, "budget_usd_per_month": plain_number(found["budget_usd_per_month"]), **_services(found),
            "allowed_registries": list(_REGISTRIES), "allowed_model_sources": list(found["model_sources"] or ("hf://Qwen/",))}


def _services(found: Mapping[str, Any]) -> dict[str, Any]:
    """Kueue, KServe and what they need, at the newest versions that the catalogue knows; ``external`` where they are there."""
    install = found["install"]
    kueue, kserve = ({"install": install, "version": newest_chart(chart)} for chart in ("kueue", "kserve-resources"))
    needed = {"cert_manager": {"install": install, "version": newest_chart("cert-manager")}} if install == "release" else {}
    operator = {"gpu_operator": {"version": newest_chart("gpu-operator")}} if found["cloud"] == "aws" else {}
    return {"kueue": kueue, "kserve": kserve, **needed, **operator}


def newest_chart(chart: str) -> str:
    """The newest version of a chart whose values are known."""
    from gpuplane.catalog.charts import chart_versions
    from gpuplane.catalog.versions import numbers

    return max(chart_versions(chart), key=numbers)


def _aws(given: Mapping[str, Any], ask: bool | None) -> dict[str, Any]:
    found = answered(given, [
        Question("account_id", "twelve digits of the AWS account"), Question("region", "AWS region, e.g. eu-central-1")], ask)
    account = {"account_id": found["account_id"], "region": found["region"]}
    if found["subnet_ids"]:
        found = answered(found, [Question("node_role_arn", "IAM role of the nodes")], ask)
        return {**account, "subnet_ids": list(found["subnet_ids"]), "node_role_arn": found["node_role_arn"]}
    found = answered(found, [
        Question("admin_role_arn", "IAM role that administers the cluster"),
        Question("node_release", "EKS AMI release of the nodes, e.g. 1.36.3-20261104"),
        Question("zones", "availability zones", default=(f"{found['region']}a", f"{found['region']}b"))], ask)
    return {**account, "vpc": {"cidr": found["vpc_cidr"] or DEFAULT_NETWORK, "zones": list(found["zones"])}, "eks": {
        "access": [{"role_arn": found["admin_role_arn"], "policy": "AmazonEKSClusterAdminPolicy"}],
        "addons": _addons(found["addons"]),
        "system_nodes": {"instance_types": list(_SYSTEM_NODES), "release_version": found["node_release"]}}}


def _addons(given: tuple[str, ...]) -> dict[str, str]:
    """EKS add-ons by name; their versions are AWS's, of the day and the region, and no default would stay right."""
    found = dict(item.partition("=")[::2] for item in given)
    missing = [name for name in REQUIRED_ADDONS if not found.get(name)]
    if missing:
        raise CannotStart("a new EKS cluster needs the versions of its add-ons:\n" + "".join(
            f"  --addon {name}=VERSION: aws eks describe-addon-versions --addon-name {name} --kubernetes-version … \n" for name in missing)
            + "With --subnet-id and --node-role-arn the cluster that is there is used.")
    return {name: found[name] for name in sorted(found)}


def pool_spec(given: Mapping[str, Any], aws: bool, gpu: str | None, ask: bool | None) -> dict[str, Any]:
    """The fields of a node pool: an EKS managed node group, or nodes that are there.

    Args:
        gpu: of the catalogue; None: not said.
    """
    if aws:
        found = answered(given, [
            Question("instance_type", "EC2 instance type with GPUs, e.g. g6e.4xlarge"),
            Question("node_release", "EKS AMI release of the nodes, e.g. 1.36.3-20261104"),
            Question("max_nodes", "most nodes", type=COUNT)], ask)
        return {"gpu": gpu, "eks_managed_node_group": {
            "instance_type": found["instance_type"], "capacity_type": found["capacity_type"], "release_version": found["node_release"],
            "min_nodes": found["min_nodes"], "max_nodes": found["max_nodes"]}}
    found = answered(given, [
        Question("max_nodes", "how many such nodes there are", type=COUNT), Question("gpus_per_node", "GPUs of a node", type=COUNT),
        Question("vcpus_per_node", "CPU cores of a node", type=COUNT),
        Question("memory_gib_per_node", "memory of a node, in GiB", type=COUNT),
        Question("usd_per_node_hour", "US dollars that a node costs in an hour", type=Number(min=0)),
        Question("price_source", "where that price comes from")], ask)
    names = ("max_nodes", "gpus_per_node", "vcpus_per_node", "memory_gib_per_node", "usd_per_node_hour", "price_source")
    return {"gpu": gpu, "existing_nodes": {"node_selector": {"nvidia.com/gpu.product": given["product_label"]},
                                           **{name: plain_number(found[name]) if name == "usd_per_node_hour" else found[name]
                                              for name in names}}}
