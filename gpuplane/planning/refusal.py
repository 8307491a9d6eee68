"""A wish that cannot be granted, in the words of the person who wrote it. Refusals are values; exceptions are for defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gpuplane.spec.environment_spec import Place

UNKNOWN_HARDWARE = "NP-01"
OTHER_GPU = "NP-02"
MIG_LAYOUT = "NP-03"
QUOTA_OVER_CAPACITY = "QF-01"
PEAK_OVER_QUOTA = "QF-04"
MINIMUM_OVER_NOMINAL = "QF-05"
INERT_BORROWING = "QF-06"
REPLICA_OVER_NODE = "QF-09"
MODEL_OVER_MEMORY = "QF-10"
SLOW_START = "RE-03"
OVER_CLOUD_QUOTA = "QF-13"
SHARED_GPU = "TI-12"
RESIDENCY = "PII-10"
OVER_BUDGET = "CB-01"
UNKNOWN_PRICE = "CB-05"

RULES: Mapping[str, str] = MappingProxyType({
    UNKNOWN_HARDWARE: "GPU models and instance types of pools are known to the catalogue",
    OTHER_GPU: "The instance type has the GPU that the pool names",
    MIG_LAYOUT: "The MIG layout can be cut on this GPU and is advertised by profile",
    QUOTA_OVER_CAPACITY: "Sum of GPU quotas of tenants and cohorts is at most the pool's capacity",
    PEAK_OVER_QUOTA: "Replicas at peak, with rollout surge, fit the tenant's quota",
    MINIMUM_OVER_NOMINAL: "Minimum replicas fit what the tenant is guaranteed, without borrowing",
    INERT_BORROWING: "Borrowing limits are at most what the others of the cohort can lend",
    REPLICA_OVER_NODE: "A replica fits one node, and CPU and memory keep the proportion of the node",
    MODEL_OVER_MEMORY: "Weights and KV cache surely fit GPU memory, and loading fits host memory",
    SLOW_START: "The start-up probe waits long enough for the weights to load",
    OVER_CLOUD_QUOTA: "Nodes at their maximum fit the declared vCPU quotas of the cloud account",
    SHARED_GPU: "Time-sliced GPUs are not shared between tenants and hold no personal data",
    RESIDENCY: "The environment's region is one the tenant allows",
    OVER_BUDGET: "Committed cost is within the budget of tenant and environment",
    UNKNOWN_PRICE: "Every node has a known price",
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
    return Refusal(place.file, place.line(path), path, rule, claim, str(needed), str(available), remedy, tenant)
