"""GPU memory of every service of an environment: QF-10, a model that does not surely fit is refused before it crash-loops.

Services of other engines than vLLM are not judged here, and the plan says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from types import MappingProxyType

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.engines import newest_seen, version_number
from gpuplane.catalog.models import ModelArchitecture
from gpuplane.planning.environment_plan import PoolPlan, Pools, key_resource
from gpuplane.planning.hardware import hardware
from gpuplane.planning.memory.device import device
from gpuplane.planning.memory.fit import Fit, fit
from gpuplane.planning.memory.host import HostNeeds, host_needs
from gpuplane.planning.memory.load_time import LoadTime, load_time
from gpuplane.planning.memory.measured import NotAStartup, combination_digest, measured, read_log
from gpuplane.planning.memory.report import MemoryFit, memory_fit, proofs
from gpuplane.planning.memory.request import FitRequest, Lora
from gpuplane.planning.memory.search import smallest_device, smallest_parallelism
from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import MODEL_OVER_MEMORY, REPLICA_OVER_NODE, SLOW_START, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, Place, ServiceEntry
from gpuplane.spec.errors import listed
from gpuplane.spec.inference_service import ServedModelSpec
from gpuplane.spec.llm_inference_service import LLMInferenceServiceSpec
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.release import Vllm, VllmArguments
from gpuplane.spec.vocabulary import DOWNLOADED_URIS

_LENGTH = "spec.release.vllm.arguments.max_model_len"


@dataclass(frozen=True)
class ServiceMemory:
    """One service's answer; ``unknown`` says what is missing where there is none.

    Attributes:
        entry: the service.
        answer: how a replica fits; None where that cannot be reckoned.
        host: what it needs of its node.
        fit: the figures of the answer.
        measured: the figures are those of ``measured_startup``.
        unknown: a sentence.
        note: something worth reading that refuses nothing.
    """

    entry: ServiceEntry
    answer: Fit | None
    host: HostNeeds | None
    fit: MemoryFit | None = None
    measured: bool = False
    unknown: str = ""
    note: str = ""


def service_memories(spec: EnvironmentSpec, catalog: Catalog) -> Mapping[str, ServiceMemory]:
    """Every vLLM service of the environment by ``tenant/service``; pools whose GPU is unknown are refused by themselves."""
    found: dict[str, ServiceMemory] = {}
    networks = {name: _network_gbps(pool, catalog) for name, pool in spec.pools.items()}
    for name in sorted(spec.services):
        entry = spec.services[name]
        pool, server = spec.pools[entry.document.spec.placement.pool], entry.document.spec.release.vllm
        if server is not None and catalog.gpu(pool.spec.gpu) is not None:
            found[name] = _service(entry, server, pool, catalog, networks[pool.name])
    return found


def load_times(memories: Mapping[str, ServiceMemory]) -> dict[str, LoadTime]:
    """How long a replica of each service loads, by ``tenant/service``; without those whose weights are not known."""
    startups = {name: memory.entry.document.spec.measured_startup for name, memory in memories.items()}
    return {name: load_time(memory.host, startup.log if (startup := startups[name]) is not None else "")
            for name, memory in memories.items() if memory.host is not None}


def memory_refusals(memories: Mapping[str, ServiceMemory], catalog: Catalog, said: Collection[Refusal] = (),
                    pools: Pools = MappingProxyType({})) -> Iterator[Refusal]:
    """QF-10 and RE-03: GPU memory, host memory, shared memory, disk, and time to load against the start-up probe.

    Args:
        pools: their nodes' disks.
        said: what is refused already; of a replica that has no place at all, its memory is no news.
    """
    homeless = {refusal.file for refusal in said if refusal.rule == REPLICA_OVER_NODE}
    for memory in memories.values():
        if memory.entry.place.file in homeless:
            continue
        if memory.answer is None:
            yield _refused(memory.entry, "spec.release.model.uri", f"whether it fits GPU memory cannot be known: {memory.unknown}.",
                           "Add the model's config.json to catalog.yaml, or a measured_startup.", "a known model", "unknown")
            continue
        if not memory.answer.fits:
            yield _over(memory.entry, memory.answer, catalog)
        if memory.host is not None:
            yield from _host(memory.entry, memory.host)
            yield from _disk(memory.entry, memory.host, pools)


def memory_proofs(memories: Mapping[str, ServiceMemory]) -> Iterator[Proof]:
    """The arithmetic, once for all services that ask for the same."""
    same: dict[tuple[int, bool], list[str]] = defaultdict(list)  # most share the very object, and a large one is slow to hash
    for name, memory in memories.items():
        same[id(memory.answer), memory.measured].append(name)
    alike: dict[tuple[Fit, bool], list[str]] = defaultdict(list)
    for (_, was_measured), found in same.items():
        if (answer := memories[found[0]].answer) is not None:
            alike[answer, was_measured] += found
    for (answer, was_measured), names in alike.items():
        who = f"service {min(names)}" + (f" and {len(names) - 1} alike" if len(names) > 1 else "")
        yield from proofs(answer, who, host_needs(answer), was_measured)


def memory_notes(memories: Mapping[str, ServiceMemory]) -> Iterator[str]:
    """Sentences about services whose memory was judged with a reservation."""
    ahead = sorted(name for name, memory in memories.items() if memory.fit is not None and not memory.measured and _ahead(memory.entry))
    if ahead:
        yield (f"GPU memory of {listed(ahead)} is reckoned as for vLLM {'.'.join(map(str, newest_seen()))}, the newest release whose "
               "start-ups were compared; theirs is newer. measured_startup settles it for a service.")
    for name, memory in memories.items():
        if memory.note:
            yield f"Service {name}: {memory.note}"
        seconds, host = memory.entry.document.spec.startup_seconds, memory.host
        if seconds is not None and host is not None and host.load_seconds.low <= seconds < host.load_seconds.expected:
            yield (f"Service {name}: loading {host.weights_gib:.0f} GiB takes about {host.load_seconds.expected:.0f} s at 0.5 GB/s, more "
                   f"than startup_seconds {seconds}; a model cache, or a faster source, has to make up for it.")


def _ahead(entry: ServiceEntry) -> bool:
    server = entry.document.spec.release.vllm
    number = version_number(server.version) if server is not None else None
    return number is not None and number > newest_seen()


def request_of(entry: ServiceEntry, server: Vllm, pool: NodePool, catalog: Catalog) -> FitRequest | str:
    """What a service asks of one device; a sentence where its model is not known.

    Raises:
        KeyError: the catalogue has no such GPU or profile.
    """
    spec, arguments = entry.document.spec, server.arguments
    model = _model(entry, catalog)
    if model is None:
        return f"the catalogue has no architecture of {spec.release.model.uri}"
    gpu = catalog.gpus[pool.spec.gpu]
    profile = spec.placement.profile
    shared_by = pool.spec.sharing.pods_per_gpu if pool.spec.sharing is not None else 1
    drafted = arguments.speculative_config
    draft = catalog.model_of(drafted.model) if drafted is not None and drafted.model is not None else None
    if drafted is not None and drafted.model is not None and draft is None:
        return f"the catalogue has no architecture of the draft model {drafted.model}"
    return FitRequest(
        model=model, repository=_path(entry), context_binds=_exactly(model, entry),
        device=device(gpu, profile, shared_by), **_parallelism(spec), max_model_len=arguments.max_model_len,
        gpu_memory_utilization=arguments.gpu_memory_utilization, dtype=arguments.dtype,
        quantization=arguments.quantization, kv_cache_dtype=arguments.kv_cache_dtype, block_size=arguments.block_size,
        max_num_seqs=arguments.max_num_seqs, max_num_batched_tokens=arguments.max_num_batched_tokens, engine_version=server.version,
        enforce_eager=arguments.enforce_eager, lora=_lora(spec, arguments), draft=draft,
        speculative_tokens=drafted.num_speculative_tokens if drafted is not None else 0)


def _parallelism(spec: ServedModelSpec) -> dict[str, int]:
    """Ranks that share the weights. Copies of data parallelism hold the attention layers whole, and divide the experts if told to."""
    if isinstance(spec, LLMInferenceServiceSpec):
        found = spec.parallelism
        return {"tensor_parallel_size": found.tensor, "pipeline_parallel_size": found.pipeline or 1,
                "ranks_per_pod": found.devices_per_pod, "expert_copies": (found.data or 1) if found.expert else 1}
    arguments = spec.release.vllm.arguments if spec.release.vllm is not None else VllmArguments()
    return {"tensor_parallel_size": arguments.tensor_parallel_size, "pipeline_parallel_size": arguments.pipeline_parallel_size}


def _lora(spec: ServedModelSpec, arguments: VllmArguments) -> Lora | None:
    """Adapters that are resident at once."""
    if isinstance(spec, LLMInferenceServiceSpec):
        return Lora(spec.lora.max_adapters, spec.lora.max_rank) if spec.lora is not None else None
    return Lora(arguments.max_loras or 1, arguments.max_lora_rank or 16) if arguments.enable_lora else None


def digest_of(entry: ServiceEntry, server: Vllm, pool: NodePool) -> str:
    """What a measurement of this service has to bear: digest of model, image, arguments and GPU."""
    spec = entry.document.spec
    gpu = pool.spec.gpu if spec.placement.profile is None else f"{pool.spec.gpu} {spec.placement.profile}"
    arguments = server.arguments.model_dump(mode="json", exclude_none=True)
    if isinstance(spec, LLMInferenceServiceSpec):
        arguments |= spec.model_dump(mode="json", include={"parallelism", "lora"}, exclude_none=True)
    return combination_digest(spec.release.model.uri, spec.release.model.revision, server.image, arguments, gpu)


@lru_cache(maxsize=8192)
def _reckoned(request: FitRequest, network: float | None) -> tuple[Fit, HostNeeds, MemoryFit]:
    """Services of one model on one GPU share their answer and its figures: a thousand tenants use a handful of models."""
    answer = fit(request)
    return answer, host_needs(answer, network), memory_fit(answer, False)


def _service(entry: ServiceEntry, server: Vllm, pool: NodePool, catalog: Catalog, network: float | None) -> ServiceMemory:
    profile, gpu = entry.document.spec.placement.profile, catalog.gpus[pool.spec.gpu]
    if profile is not None and profile not in gpu.mig_profiles:
        return ServiceMemory(entry, None, None, unknown=f"{gpu.name} has no MIG profile {profile}")
    request = request_of(entry, server, pool, catalog)
    if isinstance(request, str):
        return ServiceMemory(entry, None, None, unknown=request)
    answer, host, figures = _reckoned(request, network)
    found, note = _measured(answer, entry, server, pool)
    if found is None:
        return ServiceMemory(entry, answer, host, figures, note=note)
    return ServiceMemory(entry, found, host_needs(found, network), memory_fit(found, True), measured=True, note=note)


def _measured(answer: Fit, entry: ServiceEntry, server: Vllm, pool: NodePool) -> tuple[Fit | None, str]:
    """The answer that was measured for exactly this combination, or why there is none."""
    startup = entry.document.spec.measured_startup
    if startup is None:
        return None, ""
    digest = digest_of(entry, server, pool)
    if startup.digest != digest:
        return None, (f"measured_startup is of another combination of model, image, arguments and GPU (it says {startup.digest[:19]}…, "
                      f"this is {digest}), so it does not count.")
    try:
        return measured(answer, read_log(startup.log)), ""
    except NotAStartup as error:
        return None, f"measured_startup does not count: {error}."


def _network_gbps(pool: NodePool, catalog: Catalog) -> float | None:
    """The node's baseline network in Gbit/s; None where it is not known."""
    facts = hardware(pool.spec, catalog)
    return float(facts.network_gbit) if facts is not None and facts.network_gbit is not None else None


def _model(entry: ServiceEntry, catalog: Catalog) -> ModelArchitecture | None:
    reference = entry.document.spec.release.model
    if reference.architecture is not None:
        return catalog.models.get(reference.architecture)
    return catalog.model_of(_path(entry))


def _exactly(model: ModelArchitecture, entry: ServiceEntry) -> bool:
    """Whether the row speaks of this very repository: a copy may have been made for longer contexts."""
    return _path(entry).lower() in (name.lower() for name in model.models)


def _path(entry: ServiceEntry) -> str:
    """The model's URI without scheme and digest: ``ORG/MODEL``."""
    return entry.document.spec.release.model.uri.partition("://")[2].partition("@")[0]


def _over(entry: ServiceEntry, answer: Fit, catalog: Catalog) -> Refusal:
    length, pool = answer.request.length, answer.kv_cache_gib
    word = "does not fit" if answer.fits is False else "may not fit"
    claim = f"{answer.request.model.name} {word} {_devices(answer)}: {' '.join(answer.reasons)}"
    path = "spec.release.model.uri" if pool.high < 0 else _LENGTH
    needed = f"{answer.needed_gib:.1f} GiB" if answer.needed_gib is not None else f"{length or 'any'} tokens"
    return _refused(entry, path, claim, _remedy(answer.request, answer.longest_model_len or 0, catalog), needed, f"{pool.low:.1f} GiB")


def _devices(answer: Fit) -> str:
    request = answer.request
    count = request.tensor_parallel_size * request.pipeline_parallel_size
    return request.device.name if count == 1 else f"{count} × {request.device.name}"


def _remedy(request: FitRequest, longest: int, catalog: Catalog) -> str:
    """What helps, the cheapest first: a shorter context, more GPUs of this kind, other GPUs."""
    if request.length is None:
        return "Say max_model_len."
    ways = []
    if 0 < longest < request.length:
        ways.append(f"lower max_model_len to {longest}")
    parallel = smallest_parallelism(request)
    smallest = smallest_device(replace(request, device=replace(request.device, shared_by=1)), tuple(catalog.gpus.values()))
    if parallel is not None and parallel > request.tensor_parallel_size:
        ways.append(f"use tensor_parallel_size {parallel}")
    if smallest is not None:
        ways.append(f"use {smallest}, the least GPU memory that surely fits")
    ways.append("give the log of a start-up as measured_startup")
    text = ", or ".join(ways)
    return f"{text[0].upper()}{text[1:]}."


def _host(entry: ServiceEntry, host: HostNeeds) -> Iterator[Refusal]:
    spec = entry.document.spec
    moved = spec.kv_cache_offloading.cpu_gib if isinstance(spec, LLMInferenceServiceSpec) and spec.kv_cache_offloading is not None else 0
    least = host.memory_gib.low + host.shared_memory_gib + moved
    if spec.resources.memory_gib < least:
        beside = f", {moved} of them for the KV cache that leaves the GPU," if moved else ""
        yield _refused(entry, "spec.resources.memory_gib",
                       f"loading takes at least {least:.1f} GiB of host memory{beside}; {spec.resources.memory_gib} are asked for.",
                       f"Raise memory_gib to {round(host.memory_gib.expected + host.shared_memory_gib) + moved + 1}.",
                       f"{least:.1f}", spec.resources.memory_gib)
    if spec.resources.shared_memory_gib < host.shared_memory_gib:
        yield _refused(entry, "spec.resources.shared_memory_gib", f"its ranks share at least {host.shared_memory_gib:g} GiB of /dev/shm; "
                       f"{spec.resources.shared_memory_gib} are asked for.", "Raise shared_memory_gib.",
                       f"{host.shared_memory_gib:g}", spec.resources.shared_memory_gib)
    if spec.startup_seconds is not None and spec.startup_seconds < host.load_seconds.low:
        yield refused(SLOW_START, entry.place, "spec.startup_seconds",
                      f"{host.weights_gib:.0f} GiB of weights take at least {host.load_seconds.low:.0f} s to load; the start-up probe "
                      f"gives up after {spec.startup_seconds}.", f"Raise startup_seconds to {round(host.load_seconds.expected)}.",
                      f"{host.load_seconds.low:.0f}", spec.startup_seconds, entry.tenant)


def _disk(entry: ServiceEntry, host: HostNeeds, pools: Pools) -> Iterator[Refusal]:
    """Each pod downloads its own weights, and nothing keeps the scheduler from filling one node with replicas of one service."""
    spec = entry.document.spec
    pool = pools.get(spec.placement.pool)
    downloads = spec.release.model.uri.startswith(DOWNLOADED_URIS) and spec.model_cache_gib is None
    if pool is None or pool.allocatable.disk_mib is None or not downloads:
        return
    devices = pool.devices_per_node.get(key_resource(spec.placement.quota_key, pool.device), 0) // spec.devices_per_pod
    together = max(1, min(devices, (spec.scaling.max_replicas + spec.rollout.max_surge) * spec.pods_per_replica))
    needed, free = host.disk_gib.low + (together - 1) * host.weights_gib, pool.allocatable.disk_mib / 1024
    if needed > free:
        who = f"{together} replicas can share a node and take" if together > 1 else "one replica takes"
        yield _refused(entry, "spec.scaling.max_replicas", f"{who} at least {needed:.0f} GiB of the disk of a node of pool \"{pool.name}\" "
                       f"(weights {host.weights_gib:.0f} GiB each, and the image); it has {free:.0f}.",
                       f"Raise the pool's disk to {ceil(needed / free * _node_disk(pool))} GiB.", f"{needed:.0f}", f"{free:.0f}")


def _node_disk(pool: PoolPlan) -> float:
    """The whole disk of a node in GiB, from what is left of it and what was taken."""
    return ((pool.allocatable.disk_mib or 0) + sum(row.disk_mib for row in pool.allocatable.deductions)) / 1024


def _refused(entry: ServiceEntry, path: str, claim: str, remedy: str, needed: object, available: object) -> Refusal:
    place: Place = entry.place
    return refused(MODEL_OVER_MEMORY, place, path, claim, remedy, needed, available, entry.tenant)
