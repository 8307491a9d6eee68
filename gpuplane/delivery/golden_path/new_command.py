"""``gpuplane new``: asks or takes flags, writes the smallest right document, and never one that the environment refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gpuplane.delivery.command_line import COUNT, COUNT_OR_NONE, Number, environment_options, errors, load
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.questions import Question, answered

if TYPE_CHECKING:
    from gpuplane.delivery.golden_path.outcome import NewFile



@click.group()
def new() -> None:
    """A new environment, pool, tenant, service or model: asks on a terminal, takes flags, writes the smallest right YAML.

    What is new is previewed before it is written. Refused or wrong, nothing is written.
    """


def _asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return environment_options(click.option("--ask/--no-ask", default=None, help="Ask for what is not given.  [default: on a terminal]")(
        command))


def _writing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return _asking_options(click.option("--force", is_flag=True, help="Write it though the preview refuses it.")(command))


def _number_of_quota(text: str) -> tuple[str, int]:
    key, _, number = text.partition("=")
    if not key or not number.isdigit():
        raise CannotStart(f"--quota {text!r}; allowed: POOL=GPUS or POOL/PROFILE=DEVICES, e.g. h100=2.")
    return key, int(number)


@new.command()
@click.argument("environment")
@click.argument("name")
@click.option("--owner", help="Address of the team.")
@click.option("--data-classification", help="public, internal, personal or special.")
@click.option("--budget-usd-per-month", type=Number(min=0), help="What the team may spend in a month.")
@click.option("--quota", multiple=True, metavar="POOL[/PROFILE]=N", help="Devices that are the team's own; may be given several times.")
@click.option("--allowed-region", "allowed_regions", multiple=True, help="Where its data may be; personal data must say so.")
@click.option("--cohort", help="Cohort whose members lend each other idle GPUs.")
@click.option("--cost-center", help="Who pays.")
@_writing_options
def tenant(environment: str, name: str, environments: Path, as_of: date, ask: bool | None, force: bool, **given: Any) -> None:
    """A team in ENVIRONMENT: who it is, what its data is, what it may spend and use."""
    with errors():
        from gpuplane.delivery.golden_path.wishes import tenant_file

        spec = load(environments, environment)
        pools = ", ".join(spec.pools) or "none"
        found = answered(given, [
            Question("owner", "address of the team, e.g. acme-ml@example.com"),
            Question("data_classification", "public, internal, personal or special", default="internal"),
            Question("budget_usd_per_month", "US dollars it may spend in a month", type=Number(min=0)),
            Question("quota", f"devices of its own, POOL=N (pools: {pools})", optional=True, default=() if ask is False else None)], ask)
        quota = dict(map(_number_of_quota, (found["quota"],) if isinstance(found["quota"], str) else found["quota"] or ()))
        sys.exit(_concluded(environments, spec.name, tenant_file(environments, spec, name, found, quota), as_of, force))


@new.command()
@click.argument("environment")
@click.argument("service", metavar="TENANT/NAME")
@click.option("--model", metavar="URI", help="Where the weights are, e.g. hf://Qwen/Qwen2.5-7B-Instruct.")
@click.option("--revision", help="Commit of the model repository; left out, that of a service with the same weights.")
@click.option("--runtime", default="vllm", show_default=True, help="What serves it: a row of docs/reference/runtimes.md, or of your own.")
@click.option("--kind", type=click.Choice(["InferenceService", "LLMInferenceService"]), default="InferenceService", show_default=True,
              help="KServe's resource; LLMInferenceService is served by vllm.")
@click.option("--image", help="Its image by digest; left out, that of the newest release that a service here runs.")
@click.option("--engine-version", help="Release of the runtime in the image.")
@click.option("--devices", type=COUNT, help="GPUs of a replica of another runtime than vllm.  [default: 1]")
@click.option("--max-model-len", type=COUNT, help="Longest prompt plus answer, in tokens; left out, at most 8192.")
@click.option("--pool", help="Node pool; left out, the cheapest that surely holds the model.")
@click.option("--min-replicas", type=COUNT_OR_NONE, default=1, show_default=True)
@click.option("--max-replicas", type=COUNT, default=1, show_default=True)
@_writing_options
def service(environment: str, service: str, environments: Path, as_of: date, ask: bool | None, force: bool, **given: Any) -> None:
    """A model served for a tenant of ENVIRONMENT, on the cheapest GPUs that surely hold it.

    What another runtime than vllm needs of a GPU's memory cannot be reckoned: it gets --devices of the cheapest quota.
    """
    with errors():
        from gpuplane.delivery.golden_path.wishes import service_file, service_wanted

        spec = load(environments, environment)
        wanted = service_wanted(environments, spec, service, given, ask)
        file, lines = service_file(environments, spec, wanted, as_of)
        for line in lines:
            click.echo(line)
        sys.exit(_concluded(environments, spec.name, file, as_of, force))


@new.command()
@click.argument("name")
@click.option("--cloud", type=click.Choice(["aws", "existing"]), help="aws: EKS; existing: any cluster that is there.")
@click.option("--context", help="Context of the kubeconfig; left out, the environment's name.")
@click.option("--kube-system-uid", help="UID of the namespace kube-system: pins the cluster.")
@click.option("--kubernetes-version", help="Minor version, e.g. 1.36.")
@click.option("--region", help="Cloud region; of an existing cluster, where it stands.")
@click.option("--budget-usd-per-month", type=Number(min=0), help="What a month may cost.")
@click.option("--model-source", "model_sources", multiple=True, help="Prefix of model URIs that may be served.  [default: hf://Qwen/]")
@click.option("--install", type=click.Choice(["release", "external"]), default="release", show_default=True,
              help="release: gpuplane installs Kueue, KServe and cert-manager; external: the cluster has them.")
@click.option("--account-id", help="AWS account.")
@click.option("--subnet-id", "subnet_ids", multiple=True, help="Private subnet of an EKS cluster that is there.")
@click.option("--node-role-arn", help="IAM role of its nodes.")
@click.option("--admin-role-arn", help="IAM role that administers a new EKS cluster.")
@click.option("--vpc-cidr", help="Network of a new EKS cluster.  [default: 10.60.0.0/16]")
@click.option("--zone", "zones", multiple=True, help="Availability zones of a new EKS cluster.  [default: a and b]")
@click.option("--addon", "addons", multiple=True, metavar="NAME=VERSION", help="EKS add-on of a new cluster and its version.")
@click.option("--node-release", help="EKS AMI release of its nodes, e.g. 1.36.3-20261104.")
@_writing_options
def environment(name: str, environments: Path, as_of: date, ask: bool | None, force: bool, **given: Any) -> None:
    """An environment called NAME: its cloud, its cluster, what is installed, what it may cost."""
    with errors():
        from gpuplane.delivery.golden_path.new_environment import environment_spec
        from gpuplane.delivery.golden_path.wishes import new_file

        spec = environment_spec(name, given, ask)
        file = new_file(environments, f"{name}/environment.yaml", "Environment", spec, f"Add environment {name}")
        sys.exit(_concluded(environments, name, file, as_of, force))


@new.command()
@click.argument("environment")
@click.argument("name")
@click.option("--gpu", help="GPU of the catalogue, e.g. H100-SXM-80GB; of an EC2 instance type left out.")
@click.option("--for-model", metavar="ID", help="Suggest the cheapest nodes that surely hold this model.")
@click.option("--max-model-len", type=COUNT, help="Longest prompt plus answer of that model, in tokens; left out, at most 8192.")
@click.option("--instance-type", help="EC2 instance type with GPUs.")
@click.option("--capacity-type", type=click.Choice(["on_demand", "spot"]), help="How the nodes are bought.")
@click.option("--node-release", help="EKS AMI release of the nodes.")
@click.option("--min-nodes", type=COUNT_OR_NONE, default=0, show_default=True, help="Nodes that always run (AWS).")
@click.option("--max-nodes", type=COUNT, help="Most nodes; of nodes that are there, how many.")
@click.option("--gpus-per-node", type=COUNT)
@click.option("--vcpus-per-node", type=COUNT)
@click.option("--memory-gib-per-node", type=COUNT)
@click.option("--usd-per-node-hour", type=Number(min=0))
@click.option("--price-source", help="Where that price comes from; reports print it.")
@_writing_options
def pool(environment: str, name: str, environments: Path, as_of: date, ask: bool | None, force: bool, **given: Any) -> None:
    """GPU nodes of one shape in ENVIRONMENT: an EKS node group, or nodes that are there."""
    with errors():
        from gpuplane.delivery.golden_path.wishes import pool_file

        spec = load(environments, environment)
        file, lines = pool_file(environments, spec, name, given, ask)
        for line in lines:
            click.echo(line)
        sys.exit(_concluded(environments, spec.name, file, as_of, force))


@new.command()
@click.argument("name")
@click.option("--model-config", type=click.Path(dir_okay=False, path_type=Path), help="The model's config.json (Hugging Face).")
@click.option("--repository", help="Model repository that has it, e.g. acme/legal-7b.")
@click.option("--parameters", type=Number(min=0, min_open=True), help="All parameters in billions, where the config does not "
              "determine them.")
@click.option("--source", help="Where the config comes from; reports print it.")
@_asking_options
def model(name: str, environments: Path, as_of: date, ask: bool | None, **given: Any) -> None:
    """A model NAME of your own for the catalogue beside the environments, so that what fits it can be reckoned."""
    with errors():
        from gpuplane.delivery.golden_path.wishes import add_model

        add_model(environments, name, given, as_of, ask)


def _concluded(environments: Path, environment: str, file: NewFile, as_of: date, force: bool) -> int:
    from gpuplane.delivery.golden_path.draft import drafted
    from gpuplane.delivery.golden_path.outcome import concluded

    with drafted(environments, environment) as draft:
        return concluded(draft, [file], as_of, force)
