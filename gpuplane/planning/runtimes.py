"""What the rows of runtimes say of a plan: devices that a server cannot drive, how long it may take to start, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from gpuplane.catalog.runtimes import server_of, shipped_runtimes
from gpuplane.planning.environment_plan import Pools
from gpuplane.planning.memory.service_memory import ServiceMemory
from gpuplane.planning.refusal import ENGINE_ON_GPU, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import listed
from gpuplane.spec.llm_inference_service import LLMInferenceService

LEAST_STARTUP_SECONDS = 900
"""What the start-up probe allows at least where a service says nothing: download and load of a few GiB from a slow source."""


def runtime_refusals(spec: EnvironmentSpec, pools: Pools) -> Iterator[Refusal]:
    """NP-04 for devices: a server whose images drive none of the devices that the pool's nodes bring."""
    for entry in spec.services.values():
        name = entry.document.spec.placement.pool
        server, pool = server_of(spec, entry.document.spec.release), pools.get(name)
        there = {resource.partition("/")[0] for resource in pool.devices_per_node} if pool is not None else set()
        if there and there.isdisjoint(server.row.accelerators):
            drives, has = ", ".join(server.row.accelerators), ", ".join(sorted(there))
            yield refused(
                ENGINE_ON_GPU, entry.place, "spec.placement.pool",
                f"{server.row.title} drives devices of {drives}; those of pool \"{name}\" are of {has} ({server.row.source}).",
                "Place it on another pool, or choose another runtime.", drives, has, entry.tenant)


def startup_seconds(spec: EnvironmentSpec, memories: Mapping[str, ServiceMemory]) -> Mapping[str, int]:
    """How long each service's start-up probe waits, by ``tenant/service``: what is written, else what loading takes at the slowest.

    Formula: weights ÷ 0.1 GB/s and the longest warm-up (:mod:`gpuplane.planning.memory.host`), at least
    :data:`LEAST_STARTUP_SECONDS`, which also counts for what is not known.
    """
    found = {}
    for name, entry in spec.services.items():
        written = entry.document.spec.startup_seconds
        host = memories[name].host if name in memories else None
        slowest = ceil(host.load_seconds.high) if host is not None else 0
        found[name] = written if written is not None else max(LEAST_STARTUP_SECONDS, slowest)
    return found


def runtime_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """What is not knowable of servers other than vLLM, and which of the user's runtimes replace shipped ones."""
    for name in sorted(spec.runtimes.keys() & shipped_runtimes().keys()):
        yield f"Runtime {name} is as runtimes/{name}.yaml says, not as the shipped catalogue does."
    language = [name for name, entry in spec.services.items() if isinstance(entry.document, LLMInferenceService) and not entry.role]
    if language:
        if spec.environment.spec.kserve.install == "external":
            yield (f"LLMInferenceServices ({', '.join(language[:3])}) need KServe's llmisvc controller and templates, and the CRDs of the "
                   "inference extension; kserve.install: external means that these are on the cluster, too, and answer without TLS "
                   "(enableLLMInferenceServiceTLS is off).")
        yield ("A prefix cache belongs to one service, and so to one tenant: callers of that service share it, unless their requests "
               "bring a cache_salt.")
    others = sorted(name for name, entry in spec.services.items() if entry.document.spec.release.vllm is None)
    if others:
        yield ("Whether they fit GPU memory, and how long they load, is not known of services of other servers than vLLM: "
               f"{listed(others, 3)}.")
