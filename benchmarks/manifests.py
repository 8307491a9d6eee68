"""Ten thousand manifests as platforms have them, to judge: one file each, the same ones for the same arguments."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import count, cycle, islice
from pathlib import Path

import yaml

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.delivery.manifests import manifests
from gpuplane.delivery.preview import preview
from gpuplane.policies.registry import all_rules
from gpuplane.spec.loader import load_environment

TENANTS = 40
"""Tenants that are rendered; the others are these under other names."""
OWN_SHARE = 0.6
"""Share of gpuplane's own objects; the rest are objects of the rules' examples, which somebody labelled good or bad."""
_LOADER, _DUMPER = getattr(yaml, "CSafeLoader", yaml.SafeLoader), getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def write_manifests(folder: Path, number: int) -> int:
    """Write ``number`` manifests below a folder, one file each; returns how many are of the rules' examples."""
    own = int(number * OWN_SHARE)
    for path, text in [*islice(_own(), own), *islice(_examples(), number - own)]:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return number - own


def _own() -> Iterator[tuple[str, str]]:
    """Objects of a large environment, and then the same of other tenants."""
    rendered = _rendered()
    yield from rendered.items()
    tenants = {path: text for path, text in rendered.items() if "team-" in path}
    for turn in count(1):
        for path, text in tenants.items():
            yield path.replace("team-", f"unit{turn}-"), text.replace("team-", f"unit{turn}-")


def _rendered() -> Mapping[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        write_large_environment(Path(folder), TENANTS, 3)
        found = manifests(preview(load_environment(Path(folder), NAME), date(2026, 11, 21)))
    return {path: text for path, text in found.items() if path.endswith(".yaml")}


def _examples() -> Iterator[tuple[str, str]]:
    """Kubernetes objects of the rules' examples, passing and failing, each time under another name and in another namespace."""
    texts = [example.yaml for rule in all_rules() for example in (*rule.PASSES, *rule.FAILS)]
    objects = [each for text in texts for each in yaml.load_all(text, _LOADER) if isinstance(each, dict) and each.get("metadata")]
    for turn, each in enumerate(cycle(objects)):
        copy = turn // len(objects)
        metadata = {**each["metadata"], "name": f"{each['metadata'].get('name', 'unnamed')}-{turn}"}
        if each["kind"] != "Namespace" and "namespace" in metadata:
            metadata["namespace"] = f"{metadata['namespace']}-{copy}"
        kind = re.sub(r"[^a-z]", "", each["kind"].lower())
        yield f"examples/{copy}/{kind}-{turn}.yaml", yaml.dump({**each, "metadata": metadata}, Dumper=_DUMPER, sort_keys=False)
