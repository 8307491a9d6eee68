"""What a runtime's row refuses of a service: an unknown argument, a value out of its bounds, a format it does not serve."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from gpuplane.catalog.runtimes import TYPED_BLOCKS, runtimes_of
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.errors import SpecError, shown
from gpuplane.spec.release import RuntimeServer
from gpuplane.spec.runtime import RuntimeArgument, RuntimeSpec


def release_errors(spec: EnvironmentSpec) -> Iterator[SpecError]:
    """What the rows refuse of every service: unknown runtimes and arguments, values out of bounds, formats it does not serve."""
    rows = runtimes_of(spec)
    for entry in spec.services.values():
        release = entry.document.spec.release
        name, server = release.engine[0], release.runtime
        if name not in rows:
            yield _error(entry, "runtime.name", f"there is no runtime {shown(name)}; there are: {', '.join(sorted(rows))}.",
                         _nearest(name, rows) or f"Add runtimes/{name}.yaml, or correct the name.")
            continue
        if server is not None:
            yield from _server(entry, server, rows[name])
        if release.model.format is not None and release.model.format not in rows[name].model_formats:
            yield _error(entry, "model.format", f"{shown(release.model.format)} is no format that {rows[name].title} serves; it serves: "
                         f"{', '.join(rows[name].model_formats)}.", "Choose one of them, or another runtime.")


def _server(entry: ServiceEntry, server: RuntimeServer, row: RuntimeSpec) -> Iterator[SpecError]:
    if server.name in TYPED_BLOCKS:
        yield _error(entry, "runtime.name", f"{server.name} has a block of its own.", f"Write release.{server.name} instead of runtime.")
        return
    wrong = False
    for name, value in sorted(server.arguments.items()):
        if name not in row.arguments:
            allowed = ", ".join(sorted(row.arguments)) or "none"
            yield _error(entry, f"runtime.arguments.{name}", f"is no argument of {row.title}; allowed: {allowed}.",
                         _nearest(name, row.arguments) or "Remove it.")
        elif problem := argument_problem(row.arguments[name], value):
            wrong = True
            yield _error(entry, f"runtime.arguments.{name}", f"{shown(value)} {problem}.", "Correct the value.")
    if row.device_arguments and not wrong:
        product = 1
        for name in row.device_arguments:
            product *= int(server.arguments.get(name, row.arguments[name].default or 1))
        if product != server.devices:
            yield _error(entry, "runtime.devices", f"{server.devices} devices for a replica whose {' × '.join(row.device_arguments)} is "
                         f"{product}.", f"Make them the same: devices {product}, or other arguments.")


def argument_problem(argument: RuntimeArgument, value: object) -> str:
    """Why a value cannot be; empty where it can."""
    if argument.type == "boolean":
        return "" if isinstance(value, bool) else "is not true or false"
    if argument.type in ("integer", "number"):
        kinds = (int,) if argument.type == "integer" else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return "is not a whole number" if argument.type == "integer" else "is not a number"
        low, high = argument.minimum, argument.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
            return f"is out of range; allowed: {', '.join(filter(None, bounds))}"
        return ""
    if not isinstance(value, str):
        return "is not text"
    if argument.type == "choice":
        return "" if value in argument.choices else f"is not allowed; allowed: {', '.join(argument.choices)}"
    if argument.pattern is not None and not re.fullmatch(argument.pattern, value):
        return f"is not text that matches {argument.pattern}"
    return "" if value.isprintable() and len(value) <= 300 else "is no line of at most 300 printable characters"


def _nearest(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name[:80], sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else ""


def _error(entry: ServiceEntry, path: str, message: str, remedy: str) -> SpecError:
    whole = f"spec.release.{path}"
    return SpecError(entry.place.file, entry.place.line(whole), whole, message, remedy)
