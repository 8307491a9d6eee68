"""One served model as a KServe InferenceService in Standard mode, queued by Kueue.

Built from the ``kserve`` package's typed models, so a field that KServe does not have cannot be written.
They are imported when the first service is built, and without the web server that comes with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import pulumi

from gpuplane.components.gpu_quotas import TaintArgs, priority_class
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.model_cache import NODE_GROUP
from gpuplane.components.quantity import amount, gib
from gpuplane.components.sdk_modules import sdk_module
from gpuplane.components.triton_models import MODEL_REPOSITORY, MODEL_SETTINGS, TritonModelArgs, config_map, config_map_name, start_command
from gpuplane.spec.vocabulary import (
    INFERENCE_SERVICE_LABEL,
    KSERVE,
    MAY_BORROW,
    MODEL_LICENSE,
    MODEL_SERVER_ACCOUNT,
    PRIORITY_CLASS,
    QUEUE_NAME,
    SOURCE,
    TENANT,
)

STARTUP_PERIOD_SECONDS = 10
DEREGISTRATION_SECONDS = 15
"""From the deletion of a pod until no proxy sends to it any more (what KServe's own templates wait, config/llmisvcconfig v0.20.0)."""
LEAVING_SECONDS = 15
"""For the server to free its devices and end once its requests are finished."""


@dataclass(frozen=True)
class LoggerArgs:
    """KServe payload logger: what is sent where."""

    mode: Literal["all", "request", "response"]
    url: str


@dataclass(frozen=True)
class CanaryArgs:
    """A second release of a service.

    Attributes:
        name: of the predictor; its Deployment is ``SERVICE-NAME-predictor``.
        traffic_percent: its share of the requests.
        service: what a service of it alone would be; its ``min_replicas`` is how many replicas it has.
    """

    name: str
    traffic_percent: int
    service: InferenceServiceArgs


@dataclass(frozen=True)
class InferenceServiceArgs:
    """A model to serve.

    Attributes:
        name, namespace: of the InferenceService; the namespace is the tenant's.
        runtime: name of a ClusterServingRuntime.
        model_format: KServe model format, e.g. ``vLLM``.
        storage_uri: the weights, pinned to a revision.
        image: the engine, pinned by digest; takes the place of the runtime's.
        engine_arguments: command-line arguments of the engine, in order.
        environment: variables of the engine's process.
        device, devices: device resource and how many of it a replica needs.
        cpu, memory_gib, shared_memory_gib: host resources of a replica; memory in GiB.
        external_autoscaler: a ScaledObject moves its replicas: KServe leaves them alone (seen on v0.20.0, with and without bounds).
        spread: node labels over whose values replicas are spread, where there is room.
        queue_name: LocalQueue; None where there is no Kueue.
        port: port that the engine answers HTTP on; health_path its readiness, liveness_path whether it works at all.
        priority: a key of :data:`gpuplane.components.gpu_quotas.PRIORITIES`.
        startup_seconds: how long loading may take.
        timeout_seconds: longest that a request may take, a stream to its end.
        drains: the engine finishes its requests once it is told to stop; else the pod waits before it tells it.
        run_as: user and group of the model server; any but 0 satisfies the restricted Pod Security Standard.
        triton_models: settings of models in a Triton repository.
        storage_container: ClusterStorageContainer that downloads the weights; None for KServe's default.
        model_cache_nodes: LocalModelNodeGroup whose copy of the weights it mounts; it has no storage_container then, for KServe
            would ask that one to download the copy's volume claim, and refuse the pod.
        pod_annotations: annotations of the replicas' pods.
        license: licence of the weights; None where nobody says it.
        canary: a second release beside it.
        source: document that asked for it, for reports.
    """

    name: str
    namespace: str
    runtime: str
    model_format: str
    storage_uri: str
    image: str
    device: str
    devices: int
    cpu: int
    memory_gib: int
    min_replicas: int
    max_replicas: int
    engine_arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    shared_memory_gib: int = 2
    cpu_utilization_percent: int = 80
    external_autoscaler: bool = False
    spread: tuple[str, ...] = ()
    max_surge: int = 0
    max_unavailable: int = 1
    queue_name: str | None = None
    may_borrow: bool = False
    priority: str = "standard"
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[TaintArgs, ...] = ()
    port: int = 8080
    health_path: str = "/v1/models"
    liveness_path: str = "/v1/models"
    startup_seconds: int = 900
    timeout_seconds: int = 300
    drains: bool = False
    run_as: int = 1000
    triton_models: tuple[TritonModelArgs, ...] = ()
    logger: LoggerArgs | None = None
    storage_container: str | None = None
    model_cache_nodes: str | None = None
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    license: str | None = None
    canary: CanaryArgs | None = None


class InferenceService(pulumi.ComponentResource):
    """One InferenceService."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:InferenceService", name, {"name": args.name, "namespace": args.namespace}, opts)
        options = child_options(self, opts)
        for suffix, each in (("models", args), *([(f"{args.canary.name}-models", args.canary.service)] if args.canary else [])):
            if each.triton_models and not (each is not args and each.triton_models == args.triton_models):
                models = config_map(args.name, args.namespace, each.triton_models, {TENANT: args.namespace})
                KubernetesObject(f"{args.namespace}-{args.name}-{suffix}", models, options)
        KubernetesObject(f"{args.namespace}-{args.name}", manifest(args), options)
        self.register_outputs({"name": args.name})


def manifest(args: InferenceServiceArgs) -> Manifest:
    """The InferenceService as its API takes it."""
    autoscaler = "external" if args.external_autoscaler else "hpa" if args.max_replicas > args.min_replicas else "none"
    annotations = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": autoscaler}
    if args.source:
        annotations[SOURCE] = args.source
    if args.license is not None:
        annotations[MODEL_LICENSE] = args.license
    if args.model_cache_nodes is not None:
        annotations[NODE_GROUP] = args.model_cache_nodes
    if args.may_borrow:
        annotations[MAY_BORROW] = "true"
    labels = {TENANT: args.namespace}
    if args.queue_name is not None:
        labels |= {QUEUE_NAME: args.queue_name, PRIORITY_CLASS: priority_class(args.priority)}
    return {"apiVersion": KSERVE, "kind": "InferenceService",
            "metadata": metadata(args.name, args.namespace, labels, annotations),
            "spec": {"predictor": _plain(_predictor(args, autoscaler == "hpa")),
                     **({"canary": [_canary(args, args.canary)]} if args.canary is not None else {})}}


def _canary(stable: InferenceServiceArgs, canary: CanaryArgs) -> Manifest:
    """KServe lays it over the stable predictor: what is not said here, or empty, is the stable one's."""
    args = canary.service
    if stable.engine_arguments and not args.engine_arguments:
        raise ValueError(f"the canary of {stable.name} has no arguments, and would be given those of the stable release")
    found = {key: value for key, value in _plain(_predictor(replace(args, name=stable.name), False)).items()
             if key not in ("maxReplicas", "deploymentStrategy")}
    # An external autoscaler's canary is started with one replica, and its own ScaledObject takes it from there.
    return {"trafficPercent": canary.traffic_percent, "predictor": {"name": canary.name, **found}}


@cache
def _shared() -> dict[str, Any]:
    """One client configuration for all models: each would make its own, loggers and all."""
    return {"local_vars_configuration": sdk_module("kserve.configuration").Configuration()}


def _predictor(args: InferenceServiceArgs, scales: bool) -> Any:
    client, models = sdk_module("kubernetes.client"), sdk_module("kserve.models")
    return models.V1beta1PredictorSpec(
        **_shared(), annotations=dict(args.pod_annotations) or None,
        min_replicas=None if args.external_autoscaler else args.min_replicas,
        max_replicas=None if args.external_autoscaler else args.max_replicas, timeout=args.timeout_seconds,
        scale_metric="cpu" if scales else None, scale_target=args.cpu_utilization_percent if scales else None,
        service_account_name=MODEL_SERVER_ACCOUNT, automount_service_account_token=False,
        storage_container_name=args.storage_container, node_selector=dict(args.node_selector) or None,
        tolerations=[client.V1Toleration(key=taint.key, operator="Equal", value=taint.value, effect=taint.effect)
                     for taint in args.tolerations] or None,
        # A Service called "vllm" would set VLLM_PORT, which vLLM reads as its own.
        enable_service_links=False, termination_grace_period_seconds=DEREGISTRATION_SECONDS + args.timeout_seconds + LEAVING_SECONDS,
        security_context=client.V1PodSecurityContext(
            run_as_non_root=True, run_as_user=args.run_as, run_as_group=args.run_as, fs_group=args.run_as,
            seccomp_profile=client.V1SeccompProfile(type="RuntimeDefault")),
        topology_spread_constraints=[_spread(args.name, key) for key in args.spread] or None,
        deployment_strategy={"type": "RollingUpdate", "rollingUpdate": {
            "maxSurge": args.max_surge, "maxUnavailable": args.max_unavailable}},
        logger=models.V1beta1LoggerSpec(mode=args.logger.mode, url=args.logger.url, **_shared()) if args.logger else None,
        volumes=_volumes(args), model=_model(args))


def _spread(name: str, key: str) -> Any:
    """As far as there is room: a pod is never kept waiting for it, so that what fits the nodes still does."""
    client = sdk_module("kubernetes.client")
    return client.V1TopologySpreadConstraint(
        max_skew=1, topology_key=key, when_unsatisfiable="ScheduleAnyway", match_label_keys=["pod-template-hash"],
        label_selector=client.V1LabelSelector(match_labels={INFERENCE_SERVICE_LABEL: name}))


def _volumes(args: InferenceServiceArgs) -> list[Any]:
    client = sdk_module("kubernetes.client")
    found = [client.V1Volume(name="shm", empty_dir=client.V1EmptyDirVolumeSource(
        medium="Memory", size_limit=gib(args.shared_memory_gib)))]
    if args.triton_models:
        found += [
            client.V1Volume(name="model-settings",
                            config_map=client.V1ConfigMapVolumeSource(name=config_map_name(args.name, args.triton_models))),
            client.V1Volume(name="model-repository", empty_dir=client.V1EmptyDirVolumeSource())]
    return found


def _mounts(args: InferenceServiceArgs) -> list[Any]:
    client = sdk_module("kubernetes.client")
    found = [client.V1VolumeMount(name="shm", mount_path="/dev/shm")]  # noqa: S108 the engine's shared memory
    if args.triton_models:
        found += [client.V1VolumeMount(name="model-settings", mount_path=MODEL_SETTINGS, read_only=True),
                  client.V1VolumeMount(name="model-repository", mount_path=MODEL_REPOSITORY)]
    return found


def _model(args: InferenceServiceArgs) -> Any:
    client, models = sdk_module("kubernetes.client"), sdk_module("kserve.models")
    amounts = {"cpu": amount(args.cpu), "memory": gib(args.memory_gib), args.device: amount(args.devices)}
    ready = client.V1HTTPGetAction(path=args.health_path, port=args.port)
    wait = DEREGISTRATION_SECONDS if args.drains else DEREGISTRATION_SECONDS + args.timeout_seconds
    return models.V1beta1ModelSpec(
        **_shared(),
        model_format=models.V1beta1ModelFormat(name=args.model_format, **_shared()), runtime=args.runtime, storage_uri=args.storage_uri,
        image=args.image, command=start_command() if args.triton_models else None, args=list(args.engine_arguments) or None,
        env=[client.V1EnvVar(name=name, value=value) for name, value in sorted(args.environment.items())] or None,
        resources=client.V1ResourceRequirements(requests=amounts, limits=dict(amounts)),
        volume_mounts=_mounts(args),
        # The runtime says so too; but who reads or applies the service alone does not see the runtime.
        security_context=client.V1SecurityContext(
            allow_privilege_escalation=False, privileged=False, run_as_non_root=True, capabilities=client.V1Capabilities(drop=["ALL"])),
        lifecycle=client.V1Lifecycle(pre_stop=client.V1LifecycleHandler(sleep=client.V1SleepAction(seconds=wait))),
        startup_probe=client.V1Probe(http_get=ready, period_seconds=STARTUP_PERIOD_SECONDS, timeout_seconds=5,
                                     failure_threshold=-(-args.startup_seconds // STARTUP_PERIOD_SECONDS)),
        readiness_probe=client.V1Probe(http_get=ready, period_seconds=10, timeout_seconds=5, failure_threshold=3),
        # A long prompt can keep an engine from answering for a while: only three minutes of silence end it.
        liveness_probe=client.V1Probe(http_get=client.V1HTTPGetAction(path=args.liveness_path, port=args.port), period_seconds=30,
                                      timeout_seconds=10, failure_threshold=6))


def _plain(model: Any) -> Any:
    """Typed model to the API's camelCase, without the empty strings that the generated classes default to."""
    if isinstance(model, dict):
        return {key: _plain(value) for key, value in model.items()}
    if isinstance(model, list):
        return [_plain(item) for item in model]
    if not hasattr(model, "attribute_map"):
        return model
    names = model.attribute_map  # of forty attributes three have a value, kept under the name, or under it with an underscore before
    found = {names.get(key.removeprefix("_")): value for key, value in vars(model).items() if value is not None and value != ""}
    return {key: _plain(value) for key, value in found.items() if key is not None}
