"""A wish that cannot be granted, in the words of the person who wrote it. Refusals are values; exceptions are for defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gpuplane.spec.environment_spec import Place

UNKNOWN_HARDWARE = "NP-01"
OTHER_GPU = "NP-02"
MIG_LAYOUT = "NP-03"
ENGINE_ON_GPU = "NP-04"
OLD_DRIVER = "NP-05"
FEATURE_ON_GPU = "NP-06"
IMAGE_ON_NODE = "NP-07"
UNSCHEDULABLE = "NP-08"
FABRIC = "NP-09"
NEVER_SCALES = "NP-10"
GPU_SHARING = "NP-11"
PART_OF_SLICE = "NP-12"
CHART_VALUE = "CL-01"
CHART_VERSION = "CL-02"
KUBELET_SKEW = "CL-03"
TWO_DEVICE_STACKS = "CL-04"
TWO_QUOTA_SYSTEMS = "CL-05"
SCALING_TOPOLOGY = "CL-06"
CONTROL_PLANE_STEP = "CL-07"
QUOTA_OVER_CAPACITY = "QF-01"
PEAK_OVER_QUOTA = "QF-04"
MINIMUM_OVER_NOMINAL = "QF-05"
INERT_BORROWING = "QF-06"
REPLICA_OVER_NODE = "QF-09"
MODEL_OVER_MEMORY = "QF-10"
SLOW_START = "RE-03"
OVER_CLOUD_QUOTA = "QF-13"
SHARED_GPU = "TI-12"
EMERGENCY_ACCESS = "TI-08"
RESIDENCY = "PII-10"
UNAPPROVED_PROVIDER = "PII-11"
SAMPLED_PERSONAL_DATA = "PII-08"
OVER_BUDGET = "CB-01"
WORST_CASE_OVER_LIMIT = "CB-02"
INCREASE_OVER_LIMIT = "CB-03"
OBJECTIVE_OVER_MAXIMUM = "OB-01"
STEPS_OVER_PIPELINE = "OB-02"
UNMEASURED_OBJECTIVE = "OB-03"
UNMEASURED_TRIGGER = "OB-04"
UNKNOWN_PRICE = "CB-05"
SPOT_SERVING = "CB-06"
GPU_NOT_ALLOWED = "CB-09"

RULES: Mapping[str, str] = MappingProxyType({
    UNKNOWN_HARDWARE: "GPU models and instance types of pools are known to the catalogue",
    OTHER_GPU: "The nodes have the GPU that the pool names, each as many",
    MIG_LAYOUT: "The MIG layout can be cut on this GPU and is advertised by profile",
    ENGINE_ON_GPU: "The engine version supports the pool's GPU",
    OLD_DRIVER: "The nodes' driver is new enough for the GPU and for the engine's image",
    FEATURE_ON_GPU: "The GPU can run the data types and quantisation that the engine is asked for",
    IMAGE_ON_NODE: "The node image is built for the instance type's processors",
    UNSCHEDULABLE: "Pods that must always run, and those that quotas promise, fit the pool's nodes together",
    FABRIC: "EFA is asked of instance types whose network cards have it",
    NEVER_SCALES: "Whoever starts a pool's nodes knows the devices that its pods ask for",
    GPU_SHARING: "The GPU can be shared in the way that the pool asks for",
    PART_OF_SLICE: "A replica on TPU takes a whole host, and hosts that work only together are taken together",
    CHART_VALUE: "Values of Helm charts are values that the chart's version knows, and that gpuplane does not set itself",
    CHART_VERSION: "Charts run on the cluster's Kubernetes and serve the APIs that are written",
    KUBELET_SKEW: "Kubelets of node images are not newer than the API server, and at most three minor versions older",
    TWO_DEVICE_STACKS: "GPUs of a node are handed out by the device plugin or by the DRA driver, not by both",
    TWO_QUOTA_SYSTEMS: "A node pool has one quota system",
    SCALING_TOPOLOGY: "Pools with a Kueue topology have a fixed number of nodes",
    CONTROL_PLANE_STEP: "A change takes the control plane one minor version forward at most, and never back",
    QUOTA_OVER_CAPACITY: "Sum of GPU quotas of tenants and cohorts is at most the pool's capacity",
    PEAK_OVER_QUOTA: "Replicas at peak, with rollout surge, fit the tenant's quota",
    MINIMUM_OVER_NOMINAL: "Minimum replicas fit what the tenant is guaranteed, without borrowing",
    INERT_BORROWING: "Borrowing limits are at most what the others of the cohort can lend",
    REPLICA_OVER_NODE: "A replica fits one node, and CPU and memory keep the proportion of the node",
    MODEL_OVER_MEMORY: "Weights and KV cache surely fit GPU memory, and loading fits host memory",
    SLOW_START: "The start-up probe waits long enough for the weights to load",
    OVER_CLOUD_QUOTA: "Nodes at their maximum fit the declared vCPU quotas of the cloud account",
    SHARED_GPU: "GPUs shared by time-slicing or MPS are not shared between tenants and hold no personal data",
    EMERGENCY_ACCESS: "Access for an emergency has not ended, and ends within the days that the environment allows",
    RESIDENCY: "The environment's region, and that of every provider a fallback leads to, is one the tenant allows",
    UNAPPROVED_PROVIDER: "Fallbacks lead only to providers that are approved for the tenant's data",
    SAMPLED_PERSONAL_DATA: "No job reads samples of a service whose data is personal",
    OVER_BUDGET: "The month that a budget is about is within it, of every tenant and of the environment",
    WORST_CASE_OVER_LIMIT: "The worst case is within the limit that the budget sets to it",
    INCREASE_OVER_LIMIT: "A change that costs more than the budget allows for one change is approved",
    UNKNOWN_PRICE: "Everything that is declared has a known price",
    SPOT_SERVING: "In a protected environment only batch work stands on spot nodes",
    GPU_NOT_ALLOWED: "GPUs of pools are those that the environment allows",
    OBJECTIVE_OVER_MAXIMUM: "Maximum replicas hold the service's objectives, by measured or published throughput",
    STEPS_OVER_PIPELINE: "The latencies that a pipeline's steps promise add up to at most what the pipeline may take",
    UNMEASURED_OBJECTIVE: "Where there is monitoring, every objective is one that the engine has a metric for",
    UNMEASURED_TRIGGER: "What a service scales on, and what its canary is judged by, is something that its engine has a metric for",
})
"""Catalogue id to what it asks, for every refusal that planning can give."""


@dataclass(frozen=True, order=True)
class Refusal:
    """One wish that cannot be granted; sorts by place.

    Attributes:
        file, line: where the wish stands.
        path: dotted path of the field.
        rule: catalogue id, a key of :data:`RULES`.
        claim: what is wrong, a sentence with the arithmetic.
        needed, available: the two sides of it, with their unit where they have one.
        remedy: what to do, a sentence.
        tenant: whom it concerns; empty for the environment.
    """

    file: str
    line: int
    path: str
    rule: str
    claim: str
    needed: str
    available: str
    remedy: str
    tenant: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.path}: {self.claim} {self.remedy}"


def refused(rule: str, place: Place, path: str, claim: str, remedy: str, needed: object = "", available: object = "",
            tenant: str = "") -> Refusal:
    """A refusal of the field at ``path`` of the document at ``place``."""
    path = place.path(path)
    return Refusal(place.file, place.line(path), path, rule, claim, str(needed), str(available), remedy, tenant)
