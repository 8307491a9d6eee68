"""Documents of ``gpuplane new`` from answers: where each lies, what it says, and that it is not there yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.overlay import overlaid
from gpuplane.catalog.runtimes import runtimes_of
from gpuplane.delivery.command_line import load
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.cheapest_gpu import homes_to_buy
from gpuplane.delivery.golden_path.documents import document, plain_number, schema_path
from gpuplane.delivery.golden_path.draft import write_new, write_over
from gpuplane.delivery.golden_path.new_environment import pool_spec
from gpuplane.delivery.golden_path.new_model import model_row, with_model
from gpuplane.delivery.golden_path.new_service import (
    DEFAULT_MODEL_LEN,
    Wanted,
    engines_in_use,
    known_model,
    request_for,
    revisions_in_use,
    service_spec,
    suggested,
)
from gpuplane.delivery.golden_path.other_runtimes import other_spec
from gpuplane.delivery.golden_path.outcome import NewFile, said
from gpuplane.delivery.golden_path.questions import Question, answered
from gpuplane.delivery.json_file import read_model_config
from gpuplane.planning.memory.search import smallest_device
from gpuplane.spec.document_files import is_name, shown_path
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec


def new_file(environments: Path, relative: str, kind: str, spec: Mapping[str, Any], subject: str) -> NewFile:
    """A document at its place.

    Raises:
        CannotStart: the name is none that a document can have, or the file is there.
    """
    path, name = environments / relative, Path(relative).stem
    name = Path(relative).parent.name if name == "environment" else name
    wrong = [part for part in Path(relative).with_suffix("").parts if not is_name(part)]
    if wrong:
        raise CannotStart(f"{wrong[0]!r} is no possible name; allowed: 1 to 40 lower-case letters, digits and hyphens, beginning with a "
                          "letter.")
    if path.exists() or path.is_symlink():
        raise CannotStart(f"{shown_path(path)} is there already; nothing was written. Edit it, or choose another name.")
    return NewFile(relative, document(kind, name, spec, schema_path(path, environments, kind)), subject)


def tenant_file(environments: Path, spec: EnvironmentSpec, name: str, found: Mapping[str, Any], quota: Mapping[str, int]) -> NewFile:
    """The document of a tenant."""
    return new_file(environments, f"{spec.name}/tenants/{name}.yaml", "Tenant", {
        "owner": found["owner"], "data_classification": found["data_classification"],
        "allowed_regions": list(found["allowed_regions"]) or None,
        "budget_usd_per_month": plain_number(found["budget_usd_per_month"]), "cost_center": found["cost_center"],
        "cohort": found["cohort"], "quota": dict(quota)}, f"Add tenant {name} to {spec.name}")


def service_wanted(environments: Path, spec: EnvironmentSpec, name: str, given: Mapping[str, Any], ask: bool | None) -> Wanted:
    """The service as it was asked for; image and revision are taken from services that run already.

    Raises:
        CannotStart: there is no such tenant, or something is not given and nowhere to be found.
    """
    tenant, slash, service = name.partition("/")
    if not slash or tenant not in spec.tenants:
        raise CannotStart(f"{name!r} is not TENANT/NAME with a tenant of {spec.name}; there are: {', '.join(spec.tenants) or 'none'}. "
                          f"`gpuplane new tenant {spec.name} NAME` makes one.")
    runtime, kind = given["runtime"], given["kind"]
    if runtime not in runtimes_of(spec):
        raise CannotStart(f"--runtime {runtime!r}: there is no such runtime; allowed: {', '.join(sorted(runtimes_of(spec)))}, or one of "
                          "your own in runtimes/NAME.yaml.")
    if kind == "LLMInferenceService" and runtime != "vllm":
        raise CannotStart(f"--kind {kind} is served by vllm, not by {runtime}. Leave one of the two out.")
    if given["devices"] is not None and runtime == "vllm":
        raise CannotStart("--devices is for runtimes whose memory nobody can reckon; of vllm the fewest that hold the model are taken.")
    engines = engines_in_use(environments, load, runtime)
    version = given["engine_version"] or next(iter(engines), None)
    found = answered(given, [Question("model", "where the weights are, e.g. hf://Qwen/Qwen2.5-7B-Instruct")], ask)
    uri = found["model"] if "://" in found["model"] else f"hf://{found['model']}"
    revision = found["revision"] or revisions_in_use(environments, uri, load)
    found = answered({**found, "engine_version": version, "image": found["image"] or engines.get(version or ""), "revision": revision}, [
        Question("engine_version", f"release of {runtime} in the image" + (", e.g. 0.31.0" if runtime == "vllm" else "")),
        Question("image", f"image of {runtime} by digest: REPOSITORY@sha256:…"),
        Question("revision", "commit of the model repository (its page, files and versions)", optional="@sha256:" in uri)], ask)
    return Wanted(tenant, service, uri, found["revision"], found["image"], found["engine_version"], found["max_model_len"], found["pool"],
                  found["min_replicas"], found["max_replicas"], runtime, kind, found["devices"])


def service_file(environments: Path, spec: EnvironmentSpec, wanted: Wanted, as_of: date) -> tuple[NewFile, tuple[str, ...]]:
    """The document of a service on its cheapest home, and the sentences that say why.

    Raises:
        CannotStart: nothing surely holds it, or the file is there.
    """
    from gpuplane.catalog import catalog_of

    path = f"{spec.name}/services/{wanted.tenant}/{wanted.name}.yaml"
    subject = f"Serve {wanted.repository} for {wanted.tenant} in {spec.name}"
    if wanted.runtime != "vllm":
        fields, lines = other_spec(spec, wanted, as_of)
        return new_file(environments, path, wanted.kind, fields, subject), lines
    suggestion = suggested(spec, wanted, as_of)
    length = request_for(wanted, known_model(wanted.repository, catalog_of(spec))).max_model_len or DEFAULT_MODEL_LEN
    return new_file(environments, path, wanted.kind, service_spec(wanted, suggestion.home, length), subject), suggestion.lines


def pool_file(environments: Path, spec: EnvironmentSpec, name: str, given: Mapping[str, Any], ask: bool | None,
              ) -> tuple[NewFile, tuple[str, ...]]:
    """The document of a pool, and what the cheapest nodes for a model would be, in sentences.

    Raises:
        CannotStart: the catalogue does not know GPU, instance type or model, or answers are missing.
    """
    from gpuplane.catalog import catalog_of

    catalog, aws = catalog_of(spec), spec.environment.spec.cloud == "aws"
    lines, cheapest = _to_buy(spec, given) if given["for_model"] else ((), None)
    found = {**given, "instance_type": given["instance_type"] or (cheapest if aws else None)}
    instance = catalog.instance(found["instance_type"] or "")
    if aws and found["instance_type"] and instance is None:
        raise CannotStart(f"--instance-type {found['instance_type']!r} is not in the catalogue; there are: {', '.join(catalog.instances)}.")
    if not aws:
        found = answered(found, [Question("gpu", "GPU of the nodes, e.g. H100-SXM-80GB")], ask)
    gpu = found["gpu"] or (instance.gpu if instance else None)
    row = catalog.gpu(gpu or "")
    if gpu and row is None:
        raise CannotStart(f"--gpu {gpu!r} is not in the catalogue; there are: {', '.join(catalog.gpus)}.")
    fields = pool_spec({**found, "product_label": row.product_label if row else None}, aws, gpu, ask)
    return new_file(environments, f"{spec.name}/node-pools/{name}.yaml", "NodePool", fields, f"Add pool {name} to {spec.name}"), lines


def _to_buy(spec: EnvironmentSpec, given: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """The cheapest three instance types that hold a model, in words, and the first one's name."""
    from gpuplane.catalog import catalog_of

    catalog, region = catalog_of(spec), spec.environment.spec.region or "us-east-1"
    wanted = Wanted("", "", f"hf://{given['for_model']}", None, "", "", given["max_model_len"])
    request = replace(request_for(wanted, known_model(given["for_model"], catalog)), engine_version=None)
    homes = homes_to_buy(catalog, region, request)
    if not homes:
        raise CannotStart(f"no instance type with a price in {region} surely holds {given['for_model']}.")
    return tuple(f"{'holds it' if home == homes[0] else '     or'}: {home} ({region}, on demand)" for home in homes[:3]), homes[0].place


def add_model(environments: Path, name: str, given: Mapping[str, Any], as_of: date, ask: bool | None) -> None:
    """Write a model's row into the folder's catalogue, and say which GPUs hold it.

    Raises:
        CannotStart, InvalidSpec: nothing was written.
    """
    import tempfile

    from gpuplane.spec.loader import read_catalog

    found = answered(given, [Question("model_config", "path of the model's config.json", type=Path),
                             Question("repository", "model repository that has it, e.g. acme/legal-7b")], ask)
    path = environments / "catalog.yaml"
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    row = model_row(read_model_config(Path(found["model_config"])), found["repository"], found["source"], as_of, found["parameters"])
    text = with_model(before, name, row, path, environments)
    with tempfile.TemporaryDirectory(prefix="gpuplane-draft-") as folder:
        (draft := Path(folder) / "catalog.yaml").write_text(text, encoding="utf-8")
        try:
            catalog = overlaid((read_catalog(draft, "catalog"),))
        except InvalidSpec as error:
            raise InvalidSpec([replace(each, file=shown_path(path)) for each in error.errors]) from None
    if before is None:
        write_new(path, text)
    else:
        write_over(path, before, text)
    said(path, _least(catalog, found["repository"]), f"Add model {name} to the catalogue")


def _least(catalog: Catalog, repository: str) -> str:
    wanted = Wanted("", "", f"hf://{repository}", None, "", "")
    request = replace(request_for(wanted, known_model(repository, catalog)), engine_version=None)
    least = smallest_device(request, tuple(catalog.gpus.values()))
    return f"least GPU memory that surely holds it with {request.max_model_len} tokens: {least or 'none of the catalogue'}\n"
