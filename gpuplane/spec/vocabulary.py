"""Names that the rendered objects carry: one place, so that components write what rules read.

The domain ``gpuplane.dev`` prefixes everything gpuplane itself puts on a Kubernetes object; the other
constants are the field's own names, with the project that defines them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

DOMAIN: Final = "gpuplane.dev"

TENANT: Final = f"{DOMAIN}/tenant"
ENVIRONMENT: Final = f"{DOMAIN}/environment"
DATA_CLASSIFICATION: Final = f"{DOMAIN}/data-classification"
POOL: Final = f"{DOMAIN}/pool"
MANAGED_BY: Final = "app.kubernetes.io/managed-by"

MONTHLY_BUDGET_USD: Final = f"{DOMAIN}/monthly-budget-usd"
BUDGET_BLOCK_PERCENT: Final = f"{DOMAIN}/budget-block-percent"
"""Annotation beside a monthly budget: the percentage of it over which a commitment is refused; without it, 100."""
COST_CENTER: Final = f"{DOMAIN}/cost-center"
ALLOWED_REGIONS: Final = f"{DOMAIN}/allowed-regions"
ALLOWED_REGISTRIES: Final = f"{DOMAIN}/allowed-registries"
ALLOWED_MODEL_SOURCES: Final = f"{DOMAIN}/allowed-model-sources"
MODEL_LICENSE: Final = f"{DOMAIN}/model-license"
"""Annotation of what serves a model: the model's licence, as its model card spells it."""
SOURCE: Final = f"{DOMAIN}/source"
"""Annotation: the document below the environment's folder that asked for this object."""

DEVICES_PER_NODE: Final = f"{DOMAIN}/devices-per-node"
"""Annotation of a ResourceFlavor: JSON object, device resource name to devices on one node."""
MAX_NODES: Final = f"{DOMAIN}/max-nodes"
"""Annotation of a ResourceFlavor of existing nodes: how many nodes there can be."""
USD_PER_NODE_HOUR: Final = f"{DOMAIN}/usd-per-node-hour"
"""Annotation of a ResourceFlavor of existing nodes: what a node costs, in US dollars an hour."""
RESERVED_USD_PER_NODE_HOUR: Final = f"{DOMAIN}/reserved-usd-per-node-hour"
"""Annotation of a ResourceFlavor: what its reserved nodes cost, in US dollars an hour; the others have their own price."""
SHARING: Final = f"{DOMAIN}/sharing"
"""Annotation of a ResourceFlavor: ``dedicated``, ``mig``, ``time-slicing`` or ``mps``."""
MAY_BORROW: Final = f"{DOMAIN}/may-borrow"
"""Annotation of a workload that accepts to run on borrowed GPUs, and to lose them."""

BREAK_GLASS_REASON: Final = f"{DOMAIN}/break-glass-reason"
BREAK_GLASS_APPROVER: Final = f"{DOMAIN}/break-glass-approver"
BREAK_GLASS_EXPIRES: Final = f"{DOMAIN}/break-glass-expires"
"""Annotations of a RoleBinding that gives rights for an emergency: why, who allowed it, and its last day (``2026-11-21``)."""

MODEL_SERVER_ACCOUNT: Final = "model-server"
"""Service account of a tenant's model servers; it has no rights and mounts no token."""

QUEUE_NAME: Final = "kueue.x-k8s.io/queue-name"
TOPOLOGY_REQUEST: Final = "kueue.x-k8s.io/podset-{how}-topology"
"""Annotation of a pod template; ``how`` is ``required`` or ``preferred``."""
POD_SET_GROUP: Final = "kueue.x-k8s.io/podset-group-name"
"""Annotation of the templates of a leader and its workers: both get one topology domain (Kueue v0.19, KEP-2724)."""
PRIORITY_CLASS: Final = "kueue.x-k8s.io/priority-class"
KUEUE: Final = "kueue.x-k8s.io/v1beta2"
KSERVE: Final = "serving.kserve.io/v1beta1"
KSERVE_RUNTIME: Final = "serving.kserve.io/v1alpha1"
SCALED_OBJECT: Final = "keda.sh/v1alpha1"
INFERENCE_SERVICE_LABEL: Final = "serving.kserve.io/inferenceservice"
"""Label that KServe gives the pods of an InferenceService, those of its canaries too (seen on v0.20.0)."""
KSERVE_LLM: Final = "serving.kserve.io/v1alpha2"
VOLCANO_QUEUE: Final = "scheduling.volcano.sh/v1beta1"
VOLCANO_JOB: Final = "batch.volcano.sh/v1alpha1"
LOCAL_QUEUE: Final = "gpu"
"""Name of every tenant's LocalQueue. Not ``default``: that one makes Kueue capture every unlabelled workload."""
ROUTING_SIDECAR_MILLICORES: Final = 500
"""CPU of the sidecar that sends a prompt to be read elsewhere first; KServe v0.20 gives it none, and a tenant's quota asks for it."""
ROUTING_SIDECAR_MEMORY_MIB: Final = 512
"""Memory of that sidecar, in MiB."""
DOWNLOADED_URIS: Final = ("gs://", "hf://", "s3://")
"""Models that an init container downloads before the engine starts."""
STORAGE_INITIALIZER_CPU: Final = 1
"""Cores that this init container requests."""
STORAGE_INITIALIZER_MEMORY_GIB: Final = 4
"""GiB that it requests: a pod takes at least so much of a node, however small its engine."""
GATEWAY_API: Final = "gateway.networking.k8s.io/v1"
ENVOY_GATEWAY: Final = "gateway.envoyproxy.io/v1alpha1"
AI_GATEWAY: Final = "aigateway.envoyproxy.io/v1beta1"
GATEWAY: Final = "tenants"
"""Name of the Gateway; its listeners bear the tenants' names."""
MODEL_HEADER: Final = "x-ai-eg-model"
"""Header that Envoy AI Gateway sets from the ``model`` of a request's body, and routes by."""
CALLER_HEADER: Final = "x-gpuplane-caller"
"""Header that the gateway's authentication sets to the caller's name; what callers send under it is removed."""
PROVIDER_REGION: Final = f"{DOMAIN}/provider-region"
"""Annotation of a backend outside the platform: where it processes what it is sent."""
APPROVED_FOR: Final = f"{DOMAIN}/approved-for"
"""Annotation of such a backend: the most sensitive data class that it may be sent."""
PROCESSING_AGREEMENT: Final = f"{DOMAIN}/processing-agreement"
"""Annotation of such a backend: where its data processing agreement is recorded."""
GPU: Final = "nvidia.com/gpu"
GPU_DEVICE_CLASS: Final = "gpu.nvidia.com"
"""DeviceClass of whole GPUs of NVIDIA's DRA driver; it stands for the extended resource ``nvidia.com/gpu`` as well."""
MIG_PREFIX: Final = "nvidia.com/mig-"
GPU_PREFIX: Final = "nvidia.com/"
TPU: Final = "google.com/tpu"
"""Extended resource of a TPU chip, as GKE's device plugin advertises it."""
KARPENTER_DISCOVERY: Final = "karpenter.sh/discovery"
"""AWS tag by which Karpenter finds the subnets of a network that gpuplane creates; its value is the cluster's name."""
GKE_TPU_ACCELERATOR: Final = "cloud.google.com/gke-tpu-accelerator"
GKE_TPU_TOPOLOGY: Final = "cloud.google.com/gke-tpu-topology"
"""Labels that GKE puts on TPU nodes: generation and shape of the slice they belong to."""

DATA_CLASSES: Final = ("public", "internal", "confidential", "personal", "special")
"""Data classes, least sensitive first: ``personal`` is personal data (GDPR Art. 4(1)), ``special`` its special categories (Art. 9)."""
DATA_CLASS_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType({"pii": "personal"})
"""Other words that mean a data class wherever one is written."""


def is_personal(data_class: str | None) -> bool:
    """Whether data of a class is about people: ``personal``, and ``special`` all the more."""
    return data_class in ("personal", "special")


def more_sensitive(data_class: str, other: str) -> bool:
    """Whether data of one class needs more protection than data of the other; both are of :data:`DATA_CLASSES`."""
    return DATA_CLASSES.index(data_class) > DATA_CLASSES.index(other)


def mig_resource(profile: str) -> str:
    """The extended resource of a MIG profile: ``1g.10gb+me`` is ``nvidia.com/mig-1g.10gb.me`` (k8s-device-plugin)."""
    return MIG_PREFIX + profile.replace("+", ".")


def is_device_resource(name: str) -> bool:
    """Whether a resource name stands for GPUs, parts of GPUs or TPU chips (``requests.`` prefixes stripped by the caller)."""
    return name.startswith(GPU_PREFIX) or name == TPU


@dataclass(frozen=True)
class LabelMap:
    """Which label or annotation of somebody's manifests says what; the defaults are gpuplane's own keys.

    Attributes:
        tenant, environment, data_classification: keys of labels (looked up in annotations too).
        monthly_budget_usd, cost_center, allowed_regions, allowed_registries, allowed_model_sources:
            keys of annotations (looked up in labels too); lists are comma-separated.
        data_classes: other words for a data class, e.g. ``{"personal": ("pd", "gdpr")}``; they come before gpuplane's own.
    """

    tenant: str = TENANT
    environment: str = ENVIRONMENT
    data_classification: str = DATA_CLASSIFICATION
    monthly_budget_usd: str = MONTHLY_BUDGET_USD
    cost_center: str = COST_CENTER
    allowed_regions: str = ALLOWED_REGIONS
    allowed_registries: str = ALLOWED_REGISTRIES
    allowed_model_sources: str = ALLOWED_MODEL_SOURCES
    data_classes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def data_class(self, word: str) -> str | None:
        """The data class that ``word`` means, or None where it means none."""
        lowered = word.strip().lower()
        for name, aliases in self.data_classes.items():
            if lowered in {alias.lower() for alias in aliases}:
                return DATA_CLASS_SYNONYMS.get(name, name)
        canonical = DATA_CLASS_SYNONYMS.get(lowered, lowered)
        return canonical if canonical in DATA_CLASSES else None
