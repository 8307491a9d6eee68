"""The binding verdict: the wish of this side, judged with rules, budgets, facts and exemptions of another git ref.

A change cannot rewrite its own judge. What it changes in the judge is listed first, and counts once its owners have merged it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from gpuplane.policies.finding import JUDGE_CHANGE, Finding, Verdict
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.exemptions import Exemption

ENVIRONMENT_FIELDS = ("policies", "admission_policies", "budget_usd_per_month", "budget", "allowed_gpus", "allowed_registries",
                      "allowed_model_sources", "cloud_quotas", "pod_security", "protected", "promotion")
"""What of ``environment.yaml`` judges, and is not judged."""
TENANT_FIELDS = ("budget_usd_per_month", "budget", "data_classification", "allowed_regions", "cloud_use")
"""What of a tenant's document judges what the tenant runs."""
UNJUDGED = "JU-02"
"""Id of the finding that there is nothing to judge by."""
_REMEDY = "Let its owners merge it in a change of its own; until then what stands at {ref} counts."


def bound(head: EnvironmentSpec, base: EnvironmentSpec) -> EnvironmentSpec:
    """This side's wish with the other side's judge: its parameters, limits, facts and exemptions.

    A tenant that is new has its own budget; the environment's, which is the other side's, holds it.
    """
    tenants = {name: _with(tenant, base.tenants[name], TENANT_FIELDS) if name in base.tenants else tenant
               for name, tenant in head.tenants.items()}
    return replace(
        head, environment=_with(head.environment, base.environment, ENVIRONMENT_FIELDS), tenants=tenants,
        exemptions=base.exemptions, catalogs=base.catalogs, throughput={**head.throughput, **base.throughput},
        runtimes={**head.runtimes, **base.runtimes},
        places={key: place for key, place in head.places.items() if key[0] != "Exemptions"})


def judge_changes(head: EnvironmentSpec, base: EnvironmentSpec, ref: str) -> Iterator[Finding]:
    """One finding for each field and exemption of the judge in which the two sides differ; none stops an apply."""
    yield from _fields(head, ("Environment", head.name), head.environment, base.environment, ENVIRONMENT_FIELDS, ref)
    for name, tenant in head.tenants.items():
        if name in base.tenants:
            yield from _fields(head, ("Tenant", name), tenant, base.tenants[name], TENANT_FIELDS, ref)
        else:
            message = f"Tenant {name} is not at {ref}: its budget and data class are its own word."
            yield _change(head, ("Tenant", name), "spec", message, ref)
    yield from _exemptions(head, base, ref)


def file_changes(files: list[str], environments: str, ref: str) -> Iterator[Finding]:
    """One finding for each changed file that judges, or makes those who do: the engine, facts, workflows, the list of owners.

    Args:
        files: changed against the other ref, below the top of the repository.
        environments: the folder of the environments, there.
        ref: the other ref.
    """
    for file in sorted(files):
        if not file.startswith(f"{environments}/" if environments != "." else ""):
            judges = file.startswith(("gpuplane/", "policies/", "components/", "stacks/", "locks/", ".github/", ".gitlab")) or (
                "/" not in file and file.startswith(("CODEOWNERS", "Pulumi", "pyproject", "requirements")))
        else:
            inside = file.removeprefix(f"{environments}/").split("/")
            judges = len(inside) == 1 or inside[0] in ("catalog", "runtimes") or (len(inside) > 2 and inside[1] == "throughput")
        if judges:
            yield _finding(file, 0, "", f"{file} differs from {ref}.", ref)


def _fields(spec: EnvironmentSpec, key: tuple[str, str], head: Any, base: Any, names: tuple[str, ...], ref: str) -> Iterator[Finding]:
    for name in names:
        here, there = getattr(head.spec, name), getattr(base.spec, name)
        if here != there:
            message = f"spec.{name} of {key[0]} {key[1]} is {_text(here)} here and {_text(there)} at {ref}."
            yield _change(spec, key, f"spec.{name}", message, ref)


def _exemptions(head: EnvironmentSpec, base: EnvironmentSpec, ref: str) -> Iterator[Finding]:
    for index, item in enumerate(head.exemptions):
        if item not in base.exemptions:
            yield _change(head, ("Exemptions", head.name), f"spec.exemptions[{index}]",
                          f"{_named(item)} does not stand at {ref} like this, so it waives nothing yet.", ref)
    for item in base.exemptions:
        if item not in head.exemptions:
            yield _change(head, ("Exemptions", head.name), "spec.exemptions", f"{_named(item)} stands at {ref} and not here.", ref)


def _named(item: Exemption) -> str:
    wanted = item.resource
    return (f"The exemption of {' '.join(filter(None, (wanted.kind, wanted.namespace, wanted.name)))} from {item.rule} "
            f"({item.owner}, until {item.expires}, approved in {item.approval})")


def _change(spec: EnvironmentSpec, key: tuple[str, str], path: str, message: str, ref: str) -> Finding:
    place = spec.places.get(key)
    return _finding(place.file if place else "", place.line(path) if place else 0, path, message, ref)


def _finding(file: str, line: int, path: str, message: str, ref: str) -> Finding:
    return Finding(rule=JUDGE_CHANGE, severity="high", verdict=Verdict.FAIL, stops=False, file=file, line=line, field=path, message=message,
                   remedy=_REMEDY.format(ref=ref))


def unjudged(environment: str, ref: str) -> Finding:
    """The finding that an environment has no judge at a ref: somebody must have merged its limits first."""
    return Finding(rule=UNJUDGED, severity="critical", verdict=Verdict.UNKNOWN, message=f"{environment} is not at {ref}: nobody has "
                   "agreed to its budget, rules and limits.", remedy=f"Let the platform team merge its environment.yaml into {ref} first.")


def _with(document: Any, other: Any, names: tuple[str, ...]) -> Any:
    return document.model_copy(update={"spec": document.spec.model_copy(update={name: getattr(other.spec, name) for name in names})})


def _text(value: Any) -> str:
    if value is None:
        return "left out"
    plain = value.model_dump(mode="json", exclude_unset=True) if isinstance(value, BaseModel) else value
    return json.dumps(plain, default=str, sort_keys=True)
