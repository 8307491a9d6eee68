"""From a seed to an input: bytes flipped and spliced, documents with values swapped, and the tricks that YAML has."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import yaml

from tests.fuzz.hostile import CONTROLS, MARKUP, RAW, WORST, value

MOST_BYTES = 400_000
"""Longest input: what is refused for its size alone is tested elsewhere."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Path = tuple[str | int, ...]


def mutated(seed: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """One input made of a seed.

    Args:
        seed: what is changed.
        others: texts that parts are taken from.
        chance: decides everything.
    """
    if chance.random() < 0.72:
        documents = _documents(seed)
        if documents:
            return _structural(documents, others, chance)[:MOST_BYTES]
    content = seed
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        content = chance.choice(_BYTES)(content, others, chance)
    return content[:MOST_BYTES]


@lru_cache(maxsize=4096)
def _documents(seed: bytes) -> tuple[Any, ...]:
    """The documents of a text; none where it is no YAML or has nothing to change."""
    try:
        found = tuple(each for each in yaml.load_all(seed, Loader=_LOADER) if isinstance(each, (dict, list)))
    except (yaml.YAMLError, ValueError, RecursionError):
        return ()
    return found if len(seed) < 60_000 else ()


def paths(document: Any, path: _Path = ()) -> list[_Path]:
    """Every place in a document."""
    found: list[_Path] = [path] if path else []
    steps: list[str | int] = list(document) if isinstance(document, dict) else list(range(len(document))) if isinstance(document, list) else []
    for step in steps:
        found += paths(document[step], (*path, step))
    return found


def _structural(documents: tuple[Any, ...], others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = [copy.deepcopy(each) for each in documents]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        number = chance.randrange(len(changed))
        places = paths(changed[number])
        if places:
            _change(changed[number], chance.choice(places), others, chance)
    if chance.random() < 0.06:
        changed.append(copy.deepcopy(chance.choice(changed)))
    if chance.random() < 0.04:
        changed = [{"apiVersion": "v1", "kind": chance.choice(("List", "PodList", "ConfigMapList")), "items": changed}]
    return _written(changed, chance)


def _change(document: Any, place: _Path, others: Sequence[bytes], chance: random.Random) -> None:
    at = document
    for step in place[:-1]:
        at = at[step]
    step, former = place[-1], at[place[-1]]
    pick = chance.random()
    if pick < 0.5:
        at[step] = value(chance)
    elif pick < 0.58:
        if isinstance(at, dict):
            at.pop(step)
        else:
            del at[step]
    elif pick < 0.66:
        at[step] = chance.choice(([former], {"x": former}, [former, former], _short(former), json.dumps(former, default=str), {_short(former): None}))
    elif pick < 0.74 and isinstance(at, dict):
        at[_short(value(chance))] = at.pop(step)
    elif pick < 0.80 and isinstance(former, str):
        where = chance.randrange(len(former) + 1)
        at[step] = former[:where] + _short(value(chance)) + former[where:]
    elif pick < 0.86 and isinstance(former, (int, float)):
        at[step] = chance.choice((-former, former * 1000, f"{_short(former)}.5", _short(former), former * 10**300 if isinstance(former, int) else 1e300))
    elif pick < 0.9:
        at[step] = f"@@RAW{chance.randrange(len(RAW))}@@"
    else:
        _splice(at, step, others, chance)


def _short(former: Any) -> str:
    return "9" * 400 if isinstance(former, int) and abs(former) > 10**300 else str(former)[:2000]


def _splice(at: Any, step: str | int, others: Sequence[bytes], chance: random.Random) -> None:
    """A part of another document; one of the same name where there is one."""
    donors = _documents(chance.choice(others)) if others else ()
    if not donors:
        return
    donor = chance.choice(donors)
    places = paths(donor)
    same = [place for place in places if place[-1] == step] if isinstance(step, str) else []
    if places:
        part = donor
        for each in chance.choice(same or places):
            part = part[each]
        at[step] = copy.deepcopy(part)


def _written(documents: list[Any], chance: random.Random) -> bytes:
    """As JSON, which YAML is a superset of, or in YAML's own style."""
    try:
        if chance.random() < 0.6:
            text = "\n---\n".join(json.dumps(each, ensure_ascii=chance.random() < 0.7) for each in documents)
        else:
            text = yaml.dump_all(documents, Dumper=_DUMPER, allow_unicode=True, sort_keys=False)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        text = json.dumps(documents, default=str)
    if "@@RAW" in text:
        for number, raw in enumerate(RAW):
            text = text.replace(f'"@@RAW{number}@@"', raw).replace(f"'@@RAW{number}@@'", raw).replace(f"@@RAW{number}@@", raw)
    return text.encode("utf-8", "surrogatepass")


def _flip(content: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    changed = bytearray(content or b"\0")
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(content: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + content[at + chance.choice((1, 2, 10, 200, 100_000)):]


def _insert(content: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    pool = chance.choice((RAW, CONTROLS, MARKUP, WORST, ("\t", "---\n", "...\n", "%YAML 9.9\n", "&a ", "*a", "<<: ", "? ", "!!str ", "\ufeff", "\xa0")))
    return content[:at] + chance.choice(pool).encode() + content[at:]


def _splice_bytes(content: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(others) if others else content
    one, two = chance.randrange(len(content) + 1), chance.randrange(len(other) + 1)
    return content[:one] + other[two:two + chance.choice((20, 200, 5000))] + content[one:] if chance.random() < 0.5 else content[:one] + other[two:]


def _lines(content: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    """Lines given twice, moved, or set deeper: duplicate keys come so."""
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    line, pick = lines[at], chance.random()
    if pick < 0.4:
        lines.insert(chance.randrange(len(lines) + 1), line)
    elif pick < 0.6:
        lines[at] = b" " * chance.choice((1, 2, 7)) + line
    elif pick < 0.8:
        lines[at] = line.strip()
    else:
        lines[at:at + 1] = [line] * chance.choice((2, 50, 2000))
    return b"\n".join(lines)


def _bomb(content: bytes, _others: Sequence[bytes], chance: random.Random) -> bytes:
    """Aliases that multiply, and nesting without end."""
    width, depth = chance.choice((2, 9)), chance.choice((5, 9, 30))
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]\n" for n in range(1, depth))
    deep = chance.choice(("[", "{a: ", "- ", "? ", "&a [", "!!map {a: ")) * chance.choice((50, 200, 5000))
    return content + b"\n" + chance.choice((bomb, f"x: {deep}", f"---\n{bomb}", f"x: &x [*x]\n{bomb}")).encode()


_BYTES: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    _flip, _flip, _cut, _insert, _insert, _splice_bytes, _lines, _lines, _bomb)
