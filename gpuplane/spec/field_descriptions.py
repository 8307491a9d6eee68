"""Descriptions of fields: the docstrings below them in the source, read when a schema is made and not by every command that reads YAML."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise


@cache
def described(model: type) -> Mapping[str, str]:
    """Docstrings of a model's fields by name, inherited ones included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        found |= _of_module(each.__module__).get(each.__qualname__, {}) if _has_source(each) else {}
    return found


def _has_source(model: type) -> bool:
    return model.__module__.partition(".")[0] not in ("builtins", "typing", "pydantic")


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """Docstrings of fields by class of one module; nothing where its source is not at hand."""
    import importlib

    try:
        source = inspect.getsource(importlib.import_module(name))
    except (OSError, TypeError, ImportError):
        return {}
    return dict(_classes(ast.parse(source), ""))


def _classes(node: ast.AST, above: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.ClassDef):
            yield f"{above}{each.name}", dict(_fields(each))
            yield from _classes(each, f"{above}{each.name}.")


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(node.body):
        if (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)):
            yield field.target.id, inspect.cleandoc(text.value.value)
