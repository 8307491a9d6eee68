"""One service file as the component that serves it."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from gpuplane.catalog.runtimes import ServerFacts, server_of, service_arguments
from gpuplane.components.inference_service import CanaryArgs, InferenceService, InferenceServiceArgs, LoggerArgs
from gpuplane.components.model_storage import STORAGE_CONTAINER, URI_PREFIXES
from gpuplane.components.serving_runtime import runtime_name
from gpuplane.components.triton_models import MODEL_REPOSITORY, TritonModelArgs
from gpuplane.planning.canaries import canary_entry
from gpuplane.planning.environment_plan import EnvironmentPlan, quota_resource
from gpuplane.planning.scaling import scaled_by_keda
from gpuplane.spec import inference_service as wish
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.release import Release, TritonModel
from gpuplane.spec.runtime import MODEL_DIRECTORY
from gpuplane.spec.vocabulary import LOCAL_QUEUE
from gpuplane.stacks import observation
from gpuplane.stacks.engine_observation import observed_arguments, traced_environment
from gpuplane.stacks.llm_services import register_llm_service
from gpuplane.stacks.node_pools import taints
from gpuplane.stacks.topology_requests import topology_annotations
from gpuplane.stacks.vllm_arguments import vllm_arguments

SPREAD_LABELS = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}


def register_service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register the component of one service."""
    if not isinstance(entry.document, wish.InferenceService):
        register_llm_service(spec, planned, entry, options)
        return
    service = entry.document.spec
    args, alone, canary = _service(spec, planned, entry, service), canary_entry(entry), service.running_canary
    if alone is not None and canary is not None and isinstance(alone.document, wish.InferenceService):
        args = replace(args, canary=CanaryArgs(canary.name, canary.traffic_percent, _service(spec, planned, alone, alone.document.spec)))
    InferenceService(f"{entry.tenant}-{entry.document.name}", args, options)
    observation.register_service(spec, planned, entry, service, options)


def _service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry,
             service: wish.InferenceServiceSpec) -> InferenceServiceArgs:
    pool, release = spec.pools[service.placement.pool], service.release
    server = server_of(spec, release)
    quota = planned.tenants[entry.tenant].quotas.get(service.placement.quota_key)
    facts = planned.pools[service.placement.pool]
    downloads = release.model.uri.startswith(URI_PREFIXES) and service.model_cache_gib is None
    return InferenceServiceArgs(
        name=entry.document.name, namespace=entry.tenant, runtime=runtime_name(server.name),
        model_format=release.model.format or server.row.model_formats[0],
        storage_uri=release.model.storage_uri, image=release.server.image,
        engine_arguments=(*engine_arguments(server, release, service.request_timeout_seconds), *observed_arguments(spec, entry)),
        environment=traced_environment(spec, entry),
        device=quota.resource if quota else quota_resource(facts, service.placement.quota_key), devices=service.devices_per_replica,
        cpu=service.resources.cpu, memory_gib=service.resources.memory_gib, shared_memory_gib=service.resources.shared_memory_gib,
        min_replicas=service.scaling.min_replicas, max_replicas=service.scaling.max_replicas,
        cpu_utilization_percent=service.scaling.cpu_utilization_percent, external_autoscaler=scaled_by_keda(service.scaling),
        spread=tuple(SPREAD_LABELS[over] for over in service.disruption.spread), max_surge=service.rollout.max_surge,
        max_unavailable=service.rollout.max_unavailable, queue_name=LOCAL_QUEUE, may_borrow=service.placement.may_borrow,
        priority=service.priority, node_selector=facts.node_labels, tolerations=taints(pool), port=server.row.port,
        health_path=server.row.readiness_path, liveness_path=server.row.liveness_path, drains=server.drains, run_as=server.row.run_as_user,
        startup_seconds=planned.startup_seconds[entry.name],
        timeout_seconds=service.request_timeout_seconds, triton_models=_triton_models(release),
        logger=LoggerArgs(service.logging.mode, service.logging.url) if service.logging else None,
        storage_container=STORAGE_CONTAINER if downloads else None, source=entry.place.relative, license=release.model.license,
        model_cache_nodes=None if service.model_cache_gib is None else service.placement.pool,
        pod_annotations=topology_annotations(service.placement.topology))


def engine_arguments(server: ServerFacts, release: Release, drain_seconds: int) -> tuple[str, ...]:
    """Command-line arguments of the engine: what its row says of every service, then what is written, sorted."""
    repository = MODEL_REPOSITORY if _triton_models(release) else MODEL_DIRECTORY
    found = service_arguments(server, release, drain_seconds, repository)
    if release.vllm is None:
        return found
    return (*found, *vllm_arguments(release.vllm))


def _triton_models(release: Release) -> tuple[TritonModelArgs, ...]:
    return tuple(_triton_model(model) for model in release.triton.models) if release.triton is not None else ()


def _triton_model(model: TritonModel) -> TritonModelArgs:
    found, batching = TritonModelArgs(model.name, model.backend, model.max_batch_size, model.instance_count), model.dynamic_batching
    return found if batching is None else replace(found, preferred_batch_sizes=batching.preferred_batch_sizes,
                                                  max_queue_delay_microseconds=batching.max_queue_delay_microseconds)
