"""Seeds: our own environments, examples and tests, and folders of other people's manifests where they are given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MOST_BYTES = 100_000
_MOST_DOCUMENTS = 12


@cache
def settings() -> tuple[str, ...]:
    """Folders of environments, below the repository."""
    return ("environments", *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("docs/examples/*/environments"))))


@cache
def documents() -> tuple[tuple[str, str, bytes], ...]:
    """Every document of ours: setting, path below it, content."""
    return tuple((setting, path.relative_to(ROOT / setting).as_posix(), path.read_bytes())
                 for setting in settings() for path in sorted((ROOT / setting).rglob("*.yaml")))


@cache
def manifests() -> tuple[bytes, ...]:
    """Kubernetes manifests: of our tests, of rules' examples, and below the folders that the environment names.

    ``GPUPLANE_POLICY_CASES`` and ``GPUPLANE_FUZZ_CORPUS`` (several, with the system's separator) name folders of YAML.
    """
    given = [os.environ.get("GPUPLANE_POLICY_CASES", ""), *os.environ.get("GPUPLANE_FUZZ_CORPUS", "").split(os.pathsep)]
    folders = [ROOT / "tests", ROOT / "docs" / "examples", *(Path(each) for each in given if each)]
    return tuple(dict.fromkeys([*_examples(), *(text for folder in folders for text in _texts(folder))]))


def _texts(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".yaml", ".yml") and path.is_file() and path.stat().st_size <= _MOST_BYTES and "regressions" not in path.parts:
            content = path.read_bytes()
            if b"kind:" in content:
                yield from _parts(content)


def _parts(content: bytes) -> Iterator[bytes]:
    """A file whole, or in parts where it holds many objects: a rule is reached by few."""
    parts = content.split(b"\n---")
    for start in range(0, len(parts), _MOST_DOCUMENTS):
        yield b"\n---".join(parts[start:start + _MOST_DOCUMENTS])


def _examples() -> Iterator[bytes]:
    """Manifests that rules and chart tests carry as examples."""
    from gpuplane.policies.registry import all_rules

    for rule in all_rules():
        for example in (*rule.PASSES, *rule.FAILS):
            yield example.yaml.encode()
