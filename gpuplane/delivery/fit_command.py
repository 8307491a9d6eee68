"""``gpuplane fit``: the GPU memory of one service, with the arithmetic shown."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane.delivery.command_line import COUNT, Number, errors
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart
from gpuplane.delivery.wording import inert_form

if TYPE_CHECKING:
    from gpuplane.catalog.catalog import Catalog
    from gpuplane.catalog.models import ModelArchitecture
    from gpuplane.planning.memory.request import Device

_MOST_CHARACTERS = 2_000_000
"""Of a log: the start of an engine is in fewer."""
_MOST = 1e15
"""Of parameters, bytes and shares: what is more is no model's and no card's, and in the end no number to reckon with."""


@click.command()
@click.option("--model", "model_id", metavar="ID", help="Model repository or name of the catalogue, e.g. Qwen/Qwen2.5-7B-Instruct.")
@click.option("--model-config", type=click.Path(dir_okay=False, path_type=Path), help="A model's config.json (Hugging Face).")
@click.option("--parameters", type=Number(min=0, min_open=True), metavar="N",
              help="Total parameters, in full or in billions, where model or config do not determine them.")
@click.option("--gpu", "gpu_name", metavar="NAME", help="GPU of the catalogue, e.g. H100-SXM-80GB.")
@click.option("--gpu-memory-gib", type=Number(min=0, min_open=True), metavar="G", help="What the card reports, in GiB.")
@click.option("--mig", metavar="PROFILE", help="MIG profile of that GPU, e.g. 1g.10gb; --gpu-memory-gib is then what the device reports.")
@click.option("--time-sliced-by", type=COUNT, default=1, help="Pods that take turns on the GPU.")
@click.option("--tensor-parallel-size", type=COUNT, default=1, show_default=True)
@click.option("--pipeline-parallel-size", type=COUNT, default=1, show_default=True)
@click.option("--max-model-len", type=COUNT, help="Longest prompt plus answer, in tokens.")
@click.option("--gpu-memory-utilization", type=Number(0, 1, min_open=True))
@click.option("--dtype", help="Type of weights and activations.")
@click.option("--quantization", help="How the weights are quantised.")
@click.option("--kv-cache-dtype", help="Type of the KV cache, e.g. fp8.")
@click.option("--block-size", type=COUNT, help="Tokens of a KV cache block.")
@click.option("--max-num-seqs", type=COUNT)
@click.option("--max-num-batched-tokens", type=COUNT)
@click.option("--engine-version", metavar="V", help="vLLM release; left out, the interval holds for all of them.")
@click.option("--enforce-eager", is_flag=True, help="No CUDA graphs.")
@click.option("--weights-gib", type=Number(min=0, min_open=True), metavar="G",
              help="Weights of the whole model, where they are known.")
@click.option("--max-loras", type=COUNT, help="Adapters that are resident.")
@click.option("--max-lora-rank", type=COUNT, default=16, show_default=True)
@click.option("--draft-model", metavar="ID", help="Draft model of speculative decoding.")
@click.option("--service", metavar="ENVIRONMENT/TENANT/NAME", help="A declared service instead of --model and --gpu.")
@click.option("--startup-log", type=click.Path(dir_okay=False, path_type=Path), help="vLLM's log of exactly this start-up; it overrides.")
@click.option("--environments", type=click.Path(file_okay=False, path_type=Path), default=Path("environments"), show_default=True,
              help="Folder whose catalogue file adds models and GPUs.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def fit(**options: Any) -> None:
    """Say whether a model fits a GPU: weights, KV cache, how many requests at once, and what else would fit.

    Exit status 0: it fits, the pessimistic end included; 1: it does not, or that cannot be known; 2: the question is wrong.
    """
    with errors():
        from gpuplane.delivery.fit_report import fit_report, printed

        log = _log(options["startup_log"])
        if options["service"] is not None:
            from gpuplane.delivery.declared_fit import declared_fit

            report, block = declared_fit(options["environments"], options["service"], log)
        else:
            catalog = _catalog(options["environments"])
            report, block = fit_report(_request(options, catalog), catalog, log), ""
        form = options["output_format"]
        click.echo(inert_form(report.to_json() if form == "json" else printed(report) + block, form), nl=False)
        sys.exit(GOOD if report.memory.fits else REFUSED)


def _catalog(environments: Path) -> Catalog:
    from gpuplane.catalog import catalog_for, default_catalog

    return catalog_for(environments) if environments.is_dir() else default_catalog()


def _request(options: dict[str, Any], catalog: Catalog) -> Any:
    from gpuplane.planning.memory.request import FitRequest, Lora

    _checked(options)
    lora = Lora(options["max_loras"], options["max_lora_rank"]) if options["max_loras"] else None
    same = ("tensor_parallel_size", "pipeline_parallel_size", "max_model_len", "gpu_memory_utilization", "dtype", "quantization",
            "kv_cache_dtype", "block_size", "max_num_seqs", "max_num_batched_tokens", "engine_version", "enforce_eager", "weights_gib")
    draft = _known(options["draft_model"], catalog) if options["draft_model"] else None
    return FitRequest(model=_model(options, catalog), device=_device(options, catalog), repository=options["model_id"] or "",
                      context_binds=_binds(options, catalog), lora=lora, draft=draft, **{name: options[name] for name in same})


def _model(options: dict[str, Any], catalog: Catalog) -> ModelArchitecture:
    named, file = options["model_id"], options["model_config"]
    if file is not None:
        return _from_file(file, named, options["parameters"])
    if named is None:
        raise CannotStart("one of --model and --model-config is needed.")
    known, total = _known(named, catalog), _total(options["parameters"])
    return known if total is None else replace(known, parameters=total, counted=False)


def _binds(options: dict[str, Any], catalog: Catalog) -> bool:
    """Whether the model's own longest context is that of exactly what was named."""
    name = (options["model_id"] or "").lower()
    return options["model_config"] is not None or any(name == row.name or name in (each.lower() for each in row.models)
                                                      for row in catalog.models.values())


def _checked(options: dict[str, Any]) -> None:
    """Values that no engine has are wrong input, not another kind of yes.

    Raises:
        CannotStart: with everything that is wrong.
    """
    from gpuplane.planning.memory.quantization import known_quantization
    from gpuplane.planning.memory.request import DTYPES

    wrong = [f"--{name.replace('_', '-')} {options[name]} is not a number of use." for name in
             ("gpu_memory_gib", "gpu_memory_utilization", "weights_gib", "parameters")
             if options[name] is not None and not options[name] <= _MOST]
    said, dtype, cache = options["quantization"], options["dtype"], options["kv_cache_dtype"]
    if said is not None and not known_quantization(said):
        wrong.append(f"--quantization {said!r} is no known method; known: awq, gptq, fp8, int8, int4, compressed-tensors, bitsandbytes, "
                     "mxfp4, nvfp4, modelopt, auto_round, torchao, gguf, none.")
    if dtype is not None and dtype.lower() not in DTYPES and not known_quantization(dtype):
        wrong.append(f"--dtype {dtype!r} is no known type; known: {', '.join(DTYPES)}.")
    if cache is not None and not cache.lower().startswith(("auto", "fp8", "int8", "bfloat16", "float16", "half", "nvfp4", "turboquant")):
        wrong.append(f"--kv-cache-dtype {cache!r} is no known type; known: auto, fp8, fp8_e4m3, fp8_e5m2, int8, bfloat16, float16.")
    if wrong:
        raise CannotStart("\n".join(wrong))


def _known(name: str, catalog: Catalog) -> ModelArchitecture:
    from difflib import get_close_matches

    from gpuplane.catalog.models import find_model

    found = find_model(catalog.models.values(), name)
    if found is not None:
        return found
    all_names = [model for row in catalog.models.values() for model in (row.name, *row.models)]
    near = get_close_matches(name, all_names, n=3, cutoff=0.4)
    hint = f" Near: {', '.join(near)}." if near else ""
    raise CannotStart(f"--model {name!r} is not in the catalogue.{hint} Give its config.json with --model-config.")


def _from_file(file: Path, named: str | None, parameters: float | None) -> ModelArchitecture:
    from gpuplane.catalog.model_config import architecture
    from gpuplane.catalog.models import UnknownShape
    from gpuplane.delivery.json_file import read_model_config

    config = read_model_config(file)
    try:
        name = named or str(config.get("_name_or_path") or file.stem)
        return architecture(config, name, models=(name,), source=f"{file.name}, given", parameters=_total(parameters))
    except UnknownShape as error:
        raise CannotStart(f"{file}: {error}.") from None


def _total(parameters: float | None) -> int | None:
    """A total that people write as 7.6 (billions) or in full."""
    if parameters is None:
        return None
    if parameters <= 0:
        raise CannotStart(f"--parameters {parameters:g}; allowed: more than 0.")
    return round(parameters * 1e9) if parameters < 1e5 else round(parameters)


def _device(options: dict[str, Any], catalog: Catalog) -> Device:
    from gpuplane.planning.memory.device import device, find_gpu, plain_device
    from gpuplane.planning.memory.interval import Interval

    name, memory, profile, shared = options["gpu_name"], options["gpu_memory_gib"], options["mig"], options["time_sliced_by"]
    if name is None and memory is None:
        raise CannotStart("one of --gpu and --gpu-memory-gib is needed.")
    if name is None:
        return replace(plain_device(memory), shared_by=shared, mig=profile is not None)
    found = find_gpu(catalog.gpus.values(), name)
    if memory is not None:  # the card's own word decides between its forms
        found = tuple(sorted(found, key=lambda gpu: abs(float(gpu.reported_memory_gib or gpu.memory_gib) - memory)))[:1]
        if not found:
            return replace(plain_device(memory, name), shared_by=shared, mig=profile is not None)
    if len(found) != 1:
        known = f"may be {', '.join(gpu.name for gpu in found)}" if found else f"is not in the catalogue: {', '.join(catalog.gpus)}"
        raise CannotStart(f"--gpu {name!r} {known}. Give its name there, or --gpu-memory-gib.")
    if profile is not None and profile not in found[0].mig_profiles:
        raise CannotStart(f"--mig {profile!r}: {found[0].name} has {', '.join(found[0].mig_profiles) or 'no MIG'}.")
    chosen = device(found[0], profile, shared)
    return chosen if memory is None else replace(chosen, memory_gib=Interval.exactly(memory), source=f"{chosen.name}: reported, given")


def _log(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            return log.read(_MOST_CHARACTERS)
    except OSError as error:
        raise CannotStart(f"{file} cannot be read: {error.strerror}.") from None
