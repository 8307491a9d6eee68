"""What is fuzzed: for each part of the program its seeds, how often it is drawn, and how an input becomes a case."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tests.fuzz import corpus, seeds
from tests.fuzz.case import Case
from tests.fuzz.command_lines import drawn
from tests.fuzz.mutation import mutated

_DAY = ("--as-of", "2026-08-01")


@dataclass(frozen=True)
class Target:
    """One part of the program.

    Attributes:
        weight: how many of :data:`_ALL` inputs are its own.
        make: an input, from a source of chance.
    """

    weight: int
    make: Callable[[random.Random], Case]


@cache
def targets() -> dict[str, Target]:
    """All targets by name."""
    files = {name: Target(weight, _reading(name, given, arguments)) for name, weight, given, arguments in _READERS}
    return {"load": Target(3000, _load), "environment": Target(60, _environment), "check": Target(5200, _check), "name": Target(60, _name),
            "command-line": Target(500, lambda chance: Case("command-line", drawn(chance), setting="docs/examples/02-smallest-environment/environments")),
            **files}


_READERS: tuple[tuple[str, int, Callable[[], Sequence[bytes]], tuple[str, ...]], ...] = (
    ("model-config", 300, seeds.model_configs, ("fit", "--model-config", "config.json", "--gpu", "L4-24GB")),
    ("startup-log", 60, seeds.startup_logs, ("fit", "--model", "Qwen/Qwen2.5-7B-Instruct", "--gpu", "L4-24GB", "--startup-log", "log.txt")),
    ("labels", 200, seeds.label_maps, ("check", "manifest.yaml", "--labels", "labels.yaml")),
    ("results", 400, seeds.results, ()),
    ("throughput", 100, seeds.results, ("throughput", "import", "result.json", "--name", "x", "--gpu", "L4-24GB", "--engine-version", "0.19.0")),
    ("offers", 150, seeds.offers, ("prices", "refresh", "--from", "offer.csv", "--out", "prices.yaml")),
    ("spot", 60, seeds.spot, ("prices", "refresh", "--from", "good.csv", "--spot", "spot.json", "--out", "prices.yaml")),
    ("comment", 200, seeds.previews, ("comment", "preview")),
    ("annotations", 120, seeds.previews, ("annotations", "preview")),
    ("audit", 100, seeds.audits, ("audit", "prod", "--audit", "records", "--verify")),
    ("samples", 60, seeds.samples, ()),
    ("outputs", 40, seeds.outputs, ()),
    ("state-copy", 40, seeds.state_copies, ()),
    ("rendered", 40, seeds.provenances, ("render", "--verify", "rendered", *_DAY)),
)
"""Name, weight, seeds and command of what reads one file; an empty command calls the function that reads it."""
FILES = {"model-config": "config.json", "startup-log": "log.txt", "labels": "labels.yaml", "results": "result.json", "throughput": "result.json",
         "offers": "offer.csv", "spot": "spot.json", "comment": "preview/plan.json", "annotations": "preview/plan.json",
         "audit": "records/gpuplane-audit/prod/000000000/000000000001.jsonl", "rendered": "rendered/gpuplane.json",
         "samples": "samples.json", "outputs": "outputs.json", "state-copy": "copy/index.json"}
"""The file that each of them reads."""


def case(seed: int, number: int) -> Case:
    """Input ``number`` of a campaign: the same seed, number and corpus give the same input."""
    chance = random.Random(f"{seed}/{number}")
    known = targets()
    name = chance.choices(list(known), [target.weight for target in known.values()])[0]
    return known[name].make(chance)


def _reading(name: str, given: Callable[[], Sequence[bytes]], arguments: tuple[str, ...]) -> Callable[[random.Random], Case]:
    def make(chance: random.Random) -> Case:
        form = ("--format", "json") if name in ("model-config", "labels") and chance.random() < 0.5 else ()
        return Case(name, arguments and (*arguments, *form), FILES[name], mutated(chance.choice(given()), given(), chance))

    return make


def _load(chance: random.Random) -> Case:
    setting, file, content = _document(chance)
    return Case("load", (), file, content, setting)


def _document(chance: random.Random) -> tuple[str, str, bytes]:
    setting, file, content = chance.choice(corpus.documents())
    return setting, file, mutated(content, [other for _, _, other in corpus.documents()], chance)


def _environment(chance: random.Random) -> Case:
    """A whole command on an environment of which one document is another; most are refused, so several are tried."""
    from tests.fuzz.running import loads

    for _ in range(12):
        setting, file, content = _document(chance)
        name = file.partition("/")[0] if "/" in file else ""
        if name and loads(Case("load", (), file, content, setting)):
            break
    names = sorted({each.partition("/")[0] for found, each, _ in corpus.documents() if found == setting and each.endswith("environment.yaml")})
    name = name if name in names else chance.choice(names)
    form = chance.choice(("text", "markdown", "json", "html", "sarif", "junit"))
    command = chance.choice((("preview", name, "--format", form), ("preview", name, "--format", form), ("cost", name), ("capacity", name),
                             ("check", "--bypass", name), ("render", name, "--out", "rendered"), ("preview", name, "--out", "out")))
    return Case("environment", (*command, *_DAY), file, content, setting)


def _check(chance: random.Random) -> Case:
    known = corpus.manifests()
    form = chance.choices(("text", "json", "junit", "sarif"), (60, 30, 3, 1))[0]
    return Case("check", ("check", "m.yaml", "--format", form, *_DAY), "m.yaml", mutated(chance.choice(known), known, chance))


def _name(chance: random.Random) -> Case:
    """A manifest whose file is called strangely: a pull request chooses names, too."""
    from tests.fuzz.hostile import value

    name = "".join("_" if character in "/\0" else character for character in str(value(chance)))[:60].strip(".") or "m"
    name = name.encode("utf-8", "surrogateescape")[:200].decode("utf-8", "ignore")
    return Case("name", ("check", "in", "--format", chance.choice(("text", "json", "sarif", "junit")), *_DAY), f"in/{name}.yaml",
                mutated(chance.choice(corpus.manifests()), corpus.manifests(), chance) if chance.random() < 0.5 else chance.choice(corpus.manifests()))
