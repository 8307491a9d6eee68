"""One language model as a KServe LLMInferenceService, whose replicas Kueue admits whole.

KServe's own templates start vLLM on port 8000, over TLS where its configuration says so; what is written here is merged into them.
So probes are not restated but for how long they wait, and arguments are quoted: the templates hand them to a shell.
No route is asked for: KServe would open one on a gateway that all tenants share.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from gpuplane.components.gpu_quotas import TaintArgs, priority_class
from gpuplane.components.inference_service import DEREGISTRATION_SECONDS, LEAVING_SECONDS, STARTUP_PERIOD_SECONDS
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.model_storage import RESTRICTED, download_overrides
from gpuplane.components.quantity import amount, gib
from gpuplane.spec.kserve_names import llm_role_labels
from gpuplane.spec.vocabulary import (
    DOWNLOADED_URIS,
    KSERVE_LLM,
    MAY_BORROW,
    MODEL_LICENSE,
    MODEL_SERVER_ACCOUNT,
    PRIORITY_CLASS,
    QUEUE_NAME,
    ROUTING_SIDECAR_MEMORY_MIB,
    ROUTING_SIDECAR_MILLICORES,
    SOURCE,
    TENANT,
)

KV_TRANSFER: Mapping[str, str] = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}
"""How prefill hands the KV cache to decode; the sidecar of KServe's decode template speaks ``nixlv2`` (config/llmisvcconfig, v0.20.0)."""

_DOWNLOAD_TMP = "download-tmp"


@dataclass(frozen=True)
class WorkloadArgs:
    """Replicas of one role, and their pods, which are alike.

    Attributes:
        replicas: how many, all of the time; None: an autoscaler says, and KServe keeps what it finds.
        tensor, pipeline, data, data_local, expert: parallelism by the API's names; None: not said.
        pods: pods of one replica; several are a LeaderWorkerSet.
        devices: devices of one pod.
        cpu, memory_gib, shared_memory_gib: host resources of one pod; memory in GiB.
    """

    replicas: int | None
    devices: int
    cpu: int
    memory_gib: int
    shared_memory_gib: int = 2
    tensor: int = 1
    pipeline: int | None = None
    data: int | None = None
    data_local: int | None = None
    expert: bool = False
    pods: int = 1


@dataclass(frozen=True)
class AdapterArgs:
    """A low-rank adapter: the name that callers ask for, and where it is, pinned."""

    name: str
    storage_uri: str


@dataclass(frozen=True)
class LLMInferenceServiceArgs:
    """A language model to serve.

    Attributes:
        name, namespace: of the LLMInferenceService; the namespace is the tenant's.
        model_name: that the model is served by; empty: ``name``.
        storage_uri: the weights, pinned to a revision.
        image: the engine, pinned by digest; takes the place of the template's.
        decode: replicas that write answers, and read prompts too where there is no prefill.
        device: device resource.
        prefill: replicas that read prompts.
        engine_arguments: command-line arguments of the engine, in order, as they are: they are quoted here.
        environment: of the engine.
        scheduler_replicas: pods of the endpoint picker; None: there is none.
        open_picker_metrics: the picker answers whoever may reach its metrics; otherwise only accounts that the cluster lets read them.
        offload_gib, eviction_policy: host memory of a pod for KV cache that leaves the GPU; None: it is computed again.
        adapters, max_lora_rank, max_adapters: low-rank adapters, and how many of them are resident.
        queue_name: LocalQueue; None where there is no Kueue.
        priority: a key of :data:`gpuplane.components.gpu_quotas.PRIORITIES`.
        startup_seconds: how long loading may take.
        timeout_seconds: longest that a request may take, a stream to its end.
        run_as: user and group of the model server; any but 0 satisfies the restricted Pod Security Standard.
        spread: node labels over whose values replicas of one pod are spread, where there is room.
        pod_annotations: Kueue's, which KServe hands on from the object to the pods of all its workloads.
        source: document that asked for it, for reports.
        license: licence of the weights; None where nobody says it.
    """

    name: str
    namespace: str
    storage_uri: str
    image: str
    decode: WorkloadArgs
    device: str
    prefill: WorkloadArgs | None = None
    engine_arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    scheduler_replicas: int | None = None
    open_picker_metrics: bool = False
    offload_gib: int | None = None
    eviction_policy: Literal["lru", "arc"] = "lru"
    adapters: tuple[AdapterArgs, ...] = ()
    max_lora_rank: int = 16
    max_adapters: int = 1
    queue_name: str | None = None
    may_borrow: bool = False
    priority: str = "standard"
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[TaintArgs, ...] = ()
    startup_seconds: int = 900
    timeout_seconds: int = 300
    run_as: int = 1000
    spread: tuple[str, ...] = ()
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    model_name: str = ""
    license: str | None = None


class LLMInferenceService(pulumi.ComponentResource):
    """One LLMInferenceService."""

    def __init__(self, name: str, args: LLMInferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:LLMInferenceService", name, {"name": args.name, "namespace": args.namespace}, opts)
        KubernetesObject(f"{args.namespace}-{args.name}", manifest(args), child_options(self, opts))
        self.register_outputs({"name": args.name})


def manifest(args: LLMInferenceServiceArgs) -> Manifest:
    """The LLMInferenceService as its API takes it."""
    said = {SOURCE: args.source, MODEL_LICENSE: args.license or ""}
    annotations = {**args.pod_annotations, **{key: value for key, value in said.items() if value}}
    if args.may_borrow:
        annotations[MAY_BORROW] = "true"
    labels = {TENANT: args.namespace}
    if args.queue_name is not None:
        labels |= {QUEUE_NAME: args.queue_name, PRIORITY_CLASS: priority_class(args.priority)}
    spec: dict[str, Any] = {"model": _model(args), **_workload(args, args.decode, reads_prompts=args.prefill is None)}
    if args.prefill is not None:
        spec["prefill"] = _workload(args, args.prefill, reads_prompts=True)
    if args.scheduler_replicas is not None:
        spec["router"] = {"scheduler": {"replicas": args.scheduler_replicas}}
        if args.open_picker_metrics:
            spec["router"]["scheduler"]["template"] = {"containers": [_open_picker()]}
    if args.offload_gib is not None:
        spec["kvCacheOffloading"] = {"cpu": gib(args.offload_gib), "evictionPolicy": args.eviction_policy}
    return {"apiVersion": KSERVE_LLM, "kind": "LLMInferenceService",
            "metadata": metadata(args.name, args.namespace, labels, annotations), "spec": spec}


def _model(args: LLMInferenceServiceArgs) -> dict[str, Any]:
    found: dict[str, Any] = {"uri": args.storage_uri, "name": args.model_name or args.name}
    if args.adapters:
        found["lora"] = {"adapters": [{"name": adapter.name, "uri": adapter.storage_uri} for adapter in args.adapters],
                         "maxRank": args.max_lora_rank, "maxAdapters": args.max_adapters}
    return found


def _workload(args: LLMInferenceServiceArgs, role: WorkloadArgs, reads_prompts: bool) -> dict[str, Any]:
    parallelism: dict[str, Any] = {"tensor": role.tensor}
    if role.pods > 1:
        sizes = {"pipeline": role.pipeline, "data": role.data, "dataLocal": role.data_local}
        parallelism |= {name: size for name, size in sizes.items() if size is not None} | ({"expert": True} if role.expert else {})
    found: dict[str, Any] = {"parallelism": parallelism, "template": _pod(args, role, reads_prompts)}
    if role.replicas is not None:
        found["replicas"] = role.replicas
    if role.pods > 1:
        worker = _pod(args, role, reads_prompts)
        del worker["containers"][0]["startupProbe"]  # a worker answers no requests
        found["worker"] = worker
    return found


def _pod(args: LLMInferenceServiceArgs, role: WorkloadArgs, reads_prompts: bool) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "serviceAccountName": MODEL_SERVER_ACCOUNT,
        # A Service called "vllm" would set VLLM_PORT, which vLLM reads as its own.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": DEREGISTRATION_SECONDS + args.timeout_seconds + LEAVING_SECONDS,
        "securityContext": {"runAsNonRoot": True, "runAsUser": args.run_as, "runAsGroup": args.run_as, "fsGroup": args.run_as,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_engine(args, role)],
        "volumes": [{"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": gib(role.shared_memory_gib)}}]}
    if reads_prompts:
        # The sidecar before a decode server asks the API server which pods prompts may come from.
        pod["automountServiceAccountToken"] = False
    extra = [] if reads_prompts else [_routing_sidecar()]
    if any(uri.startswith(DOWNLOADED_URIS) for uri in (args.storage_uri, *(adapter.storage_uri for adapter in args.adapters))):
        extra.append(_download())
        pod["volumes"].append({"name": _DOWNLOAD_TMP, "emptyDir": {}})
    if extra:
        pod["initContainers"] = extra
    if args.spread and role.pods == 1:
        pod["topologySpreadConstraints"] = [_spread(args, key, reads_prompts and args.prefill is not None) for key in args.spread]
    if args.node_selector:
        pod["nodeSelector"] = dict(args.node_selector)
    if args.tolerations:
        pod["tolerations"] = [{"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
                              for taint in args.tolerations]
    return pod


def _spread(args: LLMInferenceServiceArgs, key: str, prefill: bool) -> dict[str, Any]:
    """As far as there is room: a pod is never kept waiting for it."""
    return {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "matchLabelKeys": ["pod-template-hash"],
            "labelSelector": {"matchLabels": llm_role_labels(args.name, prefill)}}


def _routing_sidecar() -> dict[str, Any]:
    """What is merged into the sidecar of KServe's decode template."""
    amounts = {"cpu": f"{ROUTING_SIDECAR_MILLICORES}m", "memory": f"{ROUTING_SIDECAR_MEMORY_MIB}Mi"}
    return {"name": "llm-d-routing-sidecar", "resources": {"requests": amounts, "limits": dict(amounts)},
            "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True}}


def _open_picker() -> dict[str, Any]:
    """What is merged into the picker of KServe's template, its amounts and confinement stated again for whoever reads this alone.

    A PodMonitor has no account of Prometheus's to show; the tenant's NetworkPolicies say who comes near.
    """
    return {"name": "main", "args": ["--metrics-endpoint-auth=false"], "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
            "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "6", "memory": "16Gi"}}}


def _download() -> dict[str, Any]:
    """What is merged into KServe's storage initializer, which by itself has no security context: it writes the model, and below /tmp."""
    return {**download_overrides(), "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
            "volumeMounts": [{"name": _DOWNLOAD_TMP, "mountPath": "/tmp"}]}  # noqa: S108 a mount of the pod


def _engine(args: LLMInferenceServiceArgs, role: WorkloadArgs) -> dict[str, Any]:
    amounts = {"cpu": amount(role.cpu), "memory": gib(role.memory_gib), args.device: amount(role.devices)}
    arguments = [*args.engine_arguments, *_one_pod(role)]
    environment: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in sorted(args.environment.items())]
    if args.prefill is not None:
        arguments.append(f"--kv-transfer-config={json.dumps(KV_TRANSFER, separators=(',', ':'))}")
        environment.append({"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
    found: dict[str, Any] = {
        "name": "main", "image": args.image, "resources": {"requests": amounts, "limits": dict(amounts)},
        # The templates mount what vLLM writes to: HOME, /tmp, /models and /dev/shm.
        "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
        "startupProbe": {"periodSeconds": STARTUP_PERIOD_SECONDS, "failureThreshold": -(-args.startup_seconds // STARTUP_PERIOD_SECONDS)}}
    if arguments:
        found["args"] = [shlex.quote(argument) for argument in arguments]
    if environment:
        found["env"] = environment
    return found


def _one_pod(role: WorkloadArgs) -> list[str]:
    """Copies within one pod: KServe's template of a single pod passes on the tensor size alone."""
    if role.pods > 1 or role.data is None:
        return []
    return [f"--data-parallel-size={role.data}", *(["--enable-expert-parallel"] if role.expert else [])]
