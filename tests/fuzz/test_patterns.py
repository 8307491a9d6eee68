"""No pattern of the program takes the square of a text's length, let alone more: texts of other people can be long.

What the models of documents demand (pydantic) runs in an engine without backtracking, and is not among them.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.backtracking import TooManyStepsError, attacks, steps
from tests.fuzz.corpus import ROOT

_FOLDERS = ("gpuplane/spec", "gpuplane/catalog", "gpuplane/graph", "gpuplane/planning", "gpuplane/delivery", "policies", "components")
_ANCHORED = {"fullmatch", "match"}
_CALLS = {"compile", "search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"}
_SHORT = 120
_GROWTH = 3.0
"""Steps for twice the text: 2 for a pattern that goes over it once, 4 for one that goes over it again from each place."""


def _files() -> list[Path]:
    return [path for folder in _FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def _patterns(path: Path) -> dict[tuple[str, int], bool]:
    """Patterns of a file with their flags, and whether each is only asked from the start of a text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            uses.setdefault(node.value.id, set()).add(node.attr)
    names = {id(node.value): node.targets[0].id for node in ast.walk(tree)
             if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
    found: dict[tuple[str, int], bool] = {}
    for node in ast.walk(tree):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re" and node.func.attr in _CALLS and node.args and isinstance(text := _constant(node.args[0]), str)):
            how = {node.func.attr} if node.func.attr != "compile" else uses.get(names.get(id(node), ""), {"search"}) & _CALLS or {"search"}
            found[text, _flags(node)] = how <= _ANCHORED
    return found


def _constant(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _constant(node.left), _constant(node.right)
        return left + right if isinstance(left, str) and isinstance(right, str) else None
    return None


def _flags(call: ast.Call) -> int:
    given = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "flags")]
    return sum(int(getattr(re, each.attr, 0)) for node in given for each in ast.walk(node) if isinstance(each, ast.Attribute)
               and isinstance(each.value, ast.Name) and each.value.id == "re" and each.attr.isupper())


def _imported() -> dict[tuple[str, int], bool]:
    """Patterns that are put together as modules are imported: what no reading of the source finds; and those of detect-secrets in use."""
    from gpuplane.graph.secret_literals import plugins

    found: dict[tuple[str, int], bool] = {}
    for path in _files():
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        name = name if name.startswith("gpuplane") else f"gpuplane.{name}"
        if name.endswith("__main__") or "crossguard" in name:
            continue
        module = importlib.import_module(name.removesuffix(".__init__"))
        for value in vars(module).values():
            for each in value if isinstance(value, (tuple, list)) else value.values() if isinstance(value, dict) else (value,):
                for one in each if isinstance(each, tuple) else (each,):
                    if isinstance(one, re.Pattern) and isinstance(one.pattern, str):
                        found[one.pattern, one.flags & ~re.UNICODE] = False
    for plugin, _ in plugins():
        for one in plugin.denylist:
            found[one.pattern, one.flags & ~re.UNICODE] = False
    return found


def _every() -> list[tuple[str, int, bool]]:
    read: dict[tuple[str, int], bool] = {}
    for path in _files():
        for key, anchored in _patterns(path).items():
            read[key] = read.get(key, True) and anchored
    return [(text, flags, anchored) for (text, flags), anchored in {**_imported(), **read}.items()]


def _slow(text: str, flags: int, anchored: bool) -> str:
    """The text that makes a pattern slow, and how it grows; empty for none."""
    pattern = re.compile(text, flags)
    for start, unit in attacks(pattern, _SHORT // 6):
        shorter, longer = (f"{start}{(unit * length)[:length]}\x01" for length in (_SHORT, 2 * _SHORT))
        try:
            one, two = steps(pattern, shorter, anchored), steps(pattern, longer, anchored)
        except TooManyStepsError:
            return f"{start!r} + {unit!r} …: without end"
        if two > _GROWTH * one:
            return f"{start!r} + {unit!r} …: {one} steps, then {two}"
    return ""


@pytest.fixture(autouse=True)
def deep() -> Iterator[None]:
    """The counter calls itself for each character."""
    former = sys.getrecursionlimit()
    sys.setrecursionlimit(max(former, 20_000))
    yield
    sys.setrecursionlimit(former)


def test_no_pattern_takes_the_square_of_a_text() -> None:
    found = {text: slow for text, flags, anchored in _every() if (slow := _slow(text, flags, anchored))}

    assert not found, "\n".join(f"{text!r}: {slow}" for text, slow in found.items())


@pytest.mark.parametrize(("pattern", "anchored", "slow"), [
    (r"(a+)+b", True, True), (r"(a|a)*b", True, True), (r"\s+$", False, True), (r"[a-z]+@", False, True), (r"a.*b.*c", True, True), (r"a.*?b", False, True),
    (r"^[a-z]+$", True, False), (r"(?<![a-z])[a-z]+@", False, False), (r"[a-z]{1,9}://", False, False), (r"\d{4}-\d\d", False, False),
    (r"(?:[a-z]+\.)*[a-z]+", True, False)])
def test_the_count_tells_slow_patterns_from_others(pattern: str, anchored: bool, slow: bool) -> None:
    assert bool(_slow(pattern, 0, anchored)) == slow
