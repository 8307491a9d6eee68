"""One LLMInferenceService file as the component that serves it, and the templates that replicas of several pods start by."""

from __future__ import annotations

import pulumi

from gpuplane.catalog.runtimes import filled, server_of
from gpuplane.components.llm_inference_service import AdapterArgs, LLMInferenceService, LLMInferenceServiceArgs, WorkloadArgs
from gpuplane.components.llm_worker_templates import LLMWorkerTemplates, LLMWorkerTemplatesArgs, Way
from gpuplane.components.picker_proxy import PickerProxy, PickerProxyArgs
from gpuplane.components.tenant_network import EgressArgs
from gpuplane.planning.canaries import canary_entry
from gpuplane.planning.environment_plan import EnvironmentPlan, quota_resource
from gpuplane.planning.scaling import scaled_by_keda
from gpuplane.spec import llm_inference_service as wish
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.inference_service import ReplicaResources
from gpuplane.spec.kserve_names import LLM_PART_OF, inference_pool, picker_proxy
from gpuplane.spec.scaling import Scaling
from gpuplane.spec.vocabulary import LOCAL_QUEUE
from gpuplane.stacks.engine_observation import observed_arguments, traced_environment
from gpuplane.stacks.node_pools import taints
from gpuplane.stacks.topology_requests import SPREAD_LABELS, topology_annotations
from gpuplane.stacks.vllm_arguments import vllm_arguments


def register_llm_service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register the component of one service; that of its pods that read prompts is the same."""
    if not isinstance(entry.document, wish.LLMInferenceService):
        return
    for each in (entry, canary_entry(entry)):
        if each is not None and not each.role and isinstance(each.document, wish.LLMInferenceService):
            # A canary answers to the name of its service.
            args = _service(spec, planned, each, each.document.spec, entry.document.name)
            LLMInferenceService(f"{each.tenant}-{each.document.name}", args, options)
            _register_proxy(each, options)


def _register_proxy(entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """The proxy before a service's picker, or before that of its canary."""
    proxy, service = picker_proxy(entry), entry.document.spec
    if proxy is None:
        return
    PickerProxy(f"{entry.tenant}-{entry.document.name}", PickerProxyArgs(
        service=entry.document.name, namespace=entry.tenant, image=proxy.image, replicas=proxy.replicas,
        cpu_millicores=proxy.cpu_millicores, memory_mib=proxy.memory_mib, request_seconds=service.request_timeout_seconds,
        stream_idle_seconds=service.request_timeout_seconds, source=entry.place.relative), options)


def register_worker_templates(spec: EnvironmentSpec, tenant: str, options: pulumi.ResourceOptions) -> None:
    """Register the templates of a tenant's replicas of several pods."""
    spread = [entry.document.spec.parallelism for entry in spec.services_of(tenant)
              if isinstance(entry.document, wish.LLMInferenceService) and entry.document.spec.pods_per_replica > 1]
    ways: dict[Way, bool] = {"data": any(found.data is not None for found in spread),
                             "pipeline": any(found.pipeline is not None for found in spread)}
    if spread:
        LLMWorkerTemplates(f"{tenant}-worker-templates", LLMWorkerTemplatesArgs(
            tenant, tuple(way for way, wanted in ways.items() if wanted)), options)


def api_server_egress(spec: EnvironmentSpec, tenant: str) -> tuple[EgressArgs, ...]:
    """The way of endpoint pickers, and of the sidecars before servers that write answers, to the API server: which pods are there?"""
    if not any(inference_pool(entry) is not None for entry in spec.services_of(tenant)):
        return ()
    # The dot keeps them apart from every rule of a tenant: those are DNS labels.
    return tuple(EgressArgs(f"platform.api-server-{index}", (443, 6443), cidr=cidr, pod_labels={"app.kubernetes.io/part-of": LLM_PART_OF})
                 for index, cidr in enumerate(spec.environment.spec.cluster.api_server_cidrs))


def _service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry,
             service: wish.LLMInferenceServiceSpec, called: str) -> LLMInferenceServiceArgs:
    release, pool, prefill, lora = service.release, spec.pools[service.placement.pool], service.prefill, service.lora
    assert release.vllm is not None  # the spec refuses other engines
    row, facts = server_of(spec, release).row, planned.pools[service.placement.pool]
    quota, offload = planned.tenants[entry.tenant].quotas.get(service.placement.quota_key), service.kv_cache_offloading
    return LLMInferenceServiceArgs(
        name=entry.document.name, namespace=entry.tenant, storage_uri=release.model.storage_uri, image=release.vllm.image,
        decode=_workload(service.scaling, service.parallelism, service.resources),
        prefill=None if prefill is None else _workload(prefill.bounds, prefill.parallelism, prefill.resources),
        device=quota.resource if quota else quota_resource(facts, service.placement.quota_key),
        engine_arguments=(*vllm_arguments(release.vllm), *observed_arguments(spec, entry)),
        environment={name: filled(value, row) for name, value in row.environment.items()} | traced_environment(spec, entry),
        scheduler_replicas=None if service.router is None else service.router.scheduler.replicas,
        open_picker_metrics=spec.environment.spec.monitoring is not None,
        offload_gib=None if offload is None else offload.cpu_gib, eviction_policy="lru" if offload is None else offload.eviction_policy,
        adapters=() if lora is None else tuple(AdapterArgs(adapter.name, adapter.storage_uri) for adapter in lora.adapters),
        max_lora_rank=16 if lora is None else lora.max_rank, max_adapters=1 if lora is None else lora.max_adapters,
        queue_name=LOCAL_QUEUE, may_borrow=service.placement.may_borrow, priority=service.priority, node_selector=facts.node_labels,
        tolerations=taints(pool), startup_seconds=planned.startup_seconds[entry.name], timeout_seconds=service.request_timeout_seconds,
        run_as=row.run_as_user, source=entry.place.relative, model_name=called, license=release.model.license,
        spread=tuple(SPREAD_LABELS[over] for over in service.disruption.spread),
        pod_annotations=topology_annotations(service.placement.topology, entry.document.name if service.pods_per_replica > 1 else None))


def _workload(scaling: Scaling, parallelism: wish.Parallelism, resources: ReplicaResources) -> WorkloadArgs:
    return WorkloadArgs(
        replicas=None if scaled_by_keda(scaling) else scaling.max_replicas,
        devices=parallelism.devices_per_pod, cpu=resources.cpu, memory_gib=resources.memory_gib,
        shared_memory_gib=resources.shared_memory_gib, tensor=parallelism.tensor, pipeline=parallelism.pipeline, data=parallelism.data,
        data_local=parallelism.data_local, expert=parallelism.expert, pods=parallelism.pods)
