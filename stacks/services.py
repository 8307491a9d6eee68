"""One service file as the component that serves it."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from gpuplane.components.inference_service import InferenceService, InferenceServiceArgs, LoggerArgs
from gpuplane.components.model_storage import STORAGE_CONTAINER, URI_PREFIXES
from gpuplane.components.serving_runtime import HEALTH_PATHS, HTTP_PORTS, RUNTIMES, Engine
from gpuplane.planning.environment_plan import EnvironmentPlan, quota_resource
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.release import Release, VllmArguments
from gpuplane.spec.vocabulary import LOCAL_QUEUE
from gpuplane.stacks.node_pools import taints


def register_service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register the component of one service."""
    InferenceService(f"{entry.tenant}-{entry.document.name}", _service(spec, planned, entry), options)


def _service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry) -> InferenceServiceArgs:
    service = entry.document.spec
    pool, release = spec.pools[service.placement.pool], service.release
    engine: Engine = "vllm" if release.vllm is not None else "triton"
    server: Any = release.vllm or release.triton
    quota = planned.tenants[entry.tenant].quotas.get(service.placement.quota_key)
    facts = planned.pools[service.placement.pool]
    return InferenceServiceArgs(
        name=entry.document.name, namespace=entry.tenant, runtime=RUNTIMES[engine], model_format=release.model.format,
        storage_uri=release.model.storage_uri, image=server.image, engine_arguments=engine_arguments(release),
        device=quota.resource if quota else quota_resource(facts, service.placement.quota_key), devices=release.devices_per_replica,
        cpu=service.resources.cpu, memory_gib=service.resources.memory_gib, shared_memory_gib=service.resources.shared_memory_gib,
        min_replicas=service.scaling.min_replicas, max_replicas=service.scaling.max_replicas,
        cpu_utilization_percent=service.scaling.cpu_utilization_percent, max_surge=service.rollout.max_surge,
        max_unavailable=service.rollout.max_unavailable, queue_name=LOCAL_QUEUE, may_borrow=service.placement.may_borrow,
        priority=service.priority, node_selector=facts.node_labels, tolerations=taints(pool), port=HTTP_PORTS[engine],
        health_path=HEALTH_PATHS[engine], startup_seconds=service.startup_seconds, timeout_seconds=service.request_timeout_seconds,
        logger=LoggerArgs(service.logging.mode, service.logging.url) if service.logging else None,
        storage_container=STORAGE_CONTAINER if release.model.uri.startswith(URI_PREFIXES) else None, source=entry.place.relative)


def engine_arguments(release: Release) -> tuple[str, ...]:
    """Command-line arguments of the engine: what is written, in vLLM's spelling, sorted."""
    if release.vllm is None:
        return ()
    written = release.vllm.arguments.model_dump(exclude_unset=True)
    return tuple(argument for name in sorted(written) for argument in [_argument(name, written[name])] if argument)


def _argument(name: str, value: Any) -> str | None:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, dict):  # vLLM takes these as JSON
        return f"{flag}={json.dumps(value, sort_keys=True, separators=(',', ':'))}"
    if value is True:
        return flag
    if value is False:  # vLLM's boolean flags come as pairs; a default of False needs neither
        return f"--no-{flag[2:]}" if VllmArguments.model_fields[name].default is None else None
    return None if value is None else f"{flag}={value}"
