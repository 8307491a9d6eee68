"""Pydantic's findings in the words of the people who wrote the file."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from gpuplane.spec.conversions import what_to_do
from gpuplane.spec.errors import SpecError, dotted, shown
from gpuplane.spec.model import SpecModel
from gpuplane.spec.yaml_source import YamlDocument

_UNIT = re.compile(r"(?:^|_)(gib|usd_per_month|usd_per_node_hour|tokens|seconds|ms|percent|bytes)$")
_PATTERN_WORDS = {
    "@sha256:[0-9a-f]{64}$": "an image pinned by digest: repository@sha256: and 64 hexadecimal digits",
    "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$": "1 to 40 lower-case letters, digits and hyphens, beginning with a letter",
    "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?(/": "the name of a pool, or pool/profile for MIG, e.g. a100-mig/1g.10gb",
    "^[0-9a-f]{12,64}$": "a commit or digest: 12 to 64 hexadecimal digits; branch names and tags move",
    "^[1-7]g": "a MIG profile such as 1g.10gb",
    "^20[0-9]{2}": "a date written as YYYY-MM-DD",
    "^(hf|s3|gs|oci|pvc)://": "hf://ORG/MODEL, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, pvc://CLAIM/FOLDER or "
                              "oci://REPOSITORY@sha256:DIGEST",
}
_TYPES = {"string": "text", "int": "a whole number", "float": "a number", "decimal": "a number", "bool": "true or false",
          "tuple": "a list", "dict": "a mapping", "model": "a mapping of fields"}
_BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
REMEDIES = {
    "one_of": "Keep exactly one.",
    "together": "Add the block, or change cloud.",
    "bounds": "Correct one of the two.",
    "once": "Leave it in one of them.",
    "cohort": "Name a cohort, or remove the limits.",
    "reserved": "Set capacity_type to on_demand, or remove the reservation.",
    "increase": "Give one of them, or both.",
    "pinned": "Add it: kubectl get namespace kube-system -o jsonpath={.metadata.uid}",
    "shares": "Correct the shares.",
    "statistic": "Give one, or remove the field.",
    "step": "Add it.",
    "date": "Write a day of the calendar, YYYY-MM-DD.",
    "created": "Give eks for a cluster that gpuplane creates, or node_role_arn and subnet_ids for one that is there.",
    "zones": "Name zones of the region.",
    "overlap": "Choose networks that are apart.",
    "cidr": "Correct the network.",
    "addons": "Add each with its version.",
    "open": "Name the networks of your offices and runners, or remove the field.",
    "group": "Bind a group of your own with a role, or use a policy.",
    "group_scope": "Remove namespaces, or give a policy.",
    "unreachable": "Add them, or allow NAT gateways.",
    "needed": "Add it.",
    "not_here": "Remove it.",
    "volume": "Say which: the folder CLAIM/FOLDER/REVISION is mounted.",
    "twice": "Keep one.",
    "drain": "Say which argument, or another method.",
    "argument": "Remove it, or correct the type.",
    "placeholder": "Correct the placeholder.",
    "device_argument": "Name one of its integer arguments.",
    "environment": "Remove it.",
    "triggers": "Name one, or remove triggers: the CPU counts then.",
    "zero": "Give both, or neither.",
    "driver": "Correct the version.",
    "flavors": "Correct the list.",
    "queue": "Choose another name.",
    "saturation": "Give one of them.",
    "topology": "Correct the levels or the pools.",
    "release": "Write a release of that family.",
    "zone": "Name the one subnet.",
    "cpu": "Correct one of the two.",
    "judged": "Give something to judge it by.",
    "steps": "Correct the steps.",
    "residency": "List the regions the data may be in.",
    "parallelism": "Divide a replica in one way.",
    "engine": "Serve it by vllm, or write an InferenceService.",
    "fixed": "Add triggers, or give both the same number.",
    "unscaled": "Remove it.",
    "spread": "Remove spread.",
    "pool": "Remove it, or router.",
    "source": "Put the weights where it can load them from.",
    "elsewhere": "Say it there, and remove this.",
    "prefill": "Remove prefill, or give it what it needs.",
    "connector": "Keep one of the two.",
    "version": "Use a newer release, or remove the block.",
    "weight": "Give weights to the steps of a Splitter alone.",
    "weights": "Correct the weights.",
    "condition": "Give conditions to the steps of a Switch alone.",
    "data": "Remove data.",
    "root": "Call the first node root.",
    "node": "Add the node, or correct the name.",
    "cycle": "Remove a step.",
    "unreached": "Lead a step to it, or remove it.",
}
_QUOTE = "Put it in quotes."


def explain(error: ErrorDetails, document: YamlDocument, model: type[BaseModel]) -> SpecError:
    """One pydantic error as a :class:`SpecError` with line, value, what is allowed and what to do."""
    loc, context = error["loc"], error.get("ctx", {})
    if loc and loc[-1] == "[key]":  # the key of a mapping, not its value
        loc = loc[:-1]
    loc = (*loc, *context.get("field", ()))
    message, remedy = _unknown_field(loc, model) if error["type"] == "extra_forbidden" else _words(error, loc, context)
    if loc == ("apiVersion",):
        remedy = what_to_do(error["input"]) or remedy
    if remedy == _QUOTE:
        remedy = f'Put it in quotes: "{document.text_of(loc)}".'
    return SpecError(document.file, document.line_of(loc), dotted(loc), message, remedy)


def _unknown_field(loc: Sequence[str | int], model: type[BaseModel]) -> tuple[str, str]:
    moved = next((found.MOVED[str(loc[-1])] for found in _models_at(model, loc[:-1])
                  if issubclass(found, SpecModel) and str(loc[-1]) in found.MOVED), None)
    if moved is not None:
        return f"is now {moved}.", "Move it there."
    allowed = sorted(fields_at(model, loc[:-1]))
    close = difflib.get_close_matches(str(loc[-1])[:80], allowed, n=1, cutoff=0.6)
    return f"is not a field here; allowed: {', '.join(allowed)}.", f"Did you mean {close[0]}?" if close else "Remove it."


def fields_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """Names (aliases) of the fields that may stand at ``loc``."""
    return [info.alias or name for found in _models_at(model, loc) for name, info in found.model_fields.items()]


def _models_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[type[BaseModel]]:
    current: Any = model
    for step in loc:
        current = _step(current, step)
    return list(_models_in(current))


def _step(annotation: Any, step: str | int) -> Any:
    """The type of what stands at ``step`` below a value of the type ``annotation``."""
    if get_origin(annotation) in (dict, tuple):
        return get_args(annotation)[1 if get_origin(annotation) is dict else 0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return next((info.annotation for name, info in annotation.model_fields.items() if step in (name, info.alias)), None)
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    return _step(arguments[0], step) if arguments else None  # Annotated[T, …] and T | None: what matters comes first


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, tuple):
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _words(error: ErrorDetails, loc: Sequence[str | int], context: dict[str, Any]) -> tuple[str, str]:
    kind, value = error["type"], shown(error["input"])
    if kind == "is_instance_of":  # Decimal is the only such type
        kind = "decimal_type"
    if kind == "missing":
        return "is missing.", f"Add {loc[-1]}."
    if kind in REMEDIES:
        return f"{error['msg']}.", REMEDIES[kind]
    if kind == "literal_error":
        return f"{value} is not allowed; allowed: {context['expected']}.", _closest(error["input"], str(context["expected"]))
    if kind == "string_pattern_mismatch":
        return f"{value} is not {_pattern(str(context['pattern']))}.", "Correct the value."
    limits = ", ".join(f"{_BOUNDS[key]} {limit}" for key, limit in context.items() if key in _BOUNDS)
    if limits:
        return f"{value} is out of range; allowed: {limits}.", "Correct the value."
    if kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
        return _length(kind, value, context, text=kind.startswith("string"))
    wanted = _TYPES.get(kind.partition("_")[0])
    return _wrong_type(error["input"], value, wanted, loc) if wanted else (
        f"{value}: {error['msg'][0].lower()}{error['msg'][1:]}.", "Correct the value.")


def _closest(value: Any, expected: str) -> str:
    close = difflib.get_close_matches(str(value)[:80], re.findall(r"'([^']*)'", expected), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else "Use what is allowed."


def _pattern(pattern: str) -> str:
    return next((words for key, words in _PATTERN_WORDS.items() if key in pattern), f"text that matches {pattern}")


def _length(kind: str, value: str, context: dict[str, Any], text: bool) -> tuple[str, str]:
    unit = "characters" if text else "entries"
    if kind.endswith("short"):
        return f"{value} is too short; allowed: at least {context['min_length']} {unit}.", "Add what is missing."
    return f"{value} is too long; allowed: at most {context['max_length']} {unit}.", "Shorten it."


def _wrong_type(found: Any, value: str, wanted: str, loc: Sequence[str | int]) -> tuple[str, str]:
    number = wanted in ("a number", "a whole number")
    unit = _UNIT.search(str(loc[-1])) if loc else None
    if number and isinstance(found, str) and unit:
        return (f"{value} is text; allowed is a plain number, for the unit ({unit.group(1)}) is in the field's name.",
                "Write the number alone.")
    if number and isinstance(found, str):
        return f"{value} is text; allowed is {wanted}.", "Write the number without quotes or unit."
    if wanted == "text" and isinstance(found, bool | int | float):
        return f"{value} is not text to YAML; allowed is text.", _QUOTE
    return f"{value} is not {wanted}.", f"Write {wanted}."
