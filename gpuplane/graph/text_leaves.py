"""Every piece of text in an object, with where it stands and what it is called: what detectors of personal data and secrets read.

Raw YAML would not do: detectors need to know what a value is called (``env`` puts that into a sibling, command lines into the word
before), and whether it is handed to a program or only names something.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from gpuplane.graph.resource_view import ResourceView, lookup

_LINE = re.compile(r"""^\s*(?:export\s+|-\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*[:=]\s*["']?(.*?)["']?,?\s*$""")
_FLAG = re.compile(r"^--([A-Za-z][\w.-]*)(?:=(.*))?$", re.DOTALL)
_ENCRYPTED_KINDS = frozenset({"SealedSecret"})
_HANDED_OVER = ("arguments", "env", "environment", "envVars", "extraEnv", "variables")
"""Fields that are mappings of what a program is given."""
_MOST_TEXT = 200_000
"""Characters of one text that are read; more is a file that somebody put into a ConfigMap."""


class Use(Enum):
    """What becomes of a text."""

    GIVEN = "given"
    """It is handed to a program: a variable, an argument, a value of a ConfigMap or of a stack's config."""
    LINE = "line"
    """It is one line of a file that is handed to a program."""
    SECRET = "secret"  # noqa: S105 a word
    """It is a value of a Secret."""
    FIELD = "field"
    """It is a field of the object itself, and may only be the name of something."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text.

    Attributes:
        path: dotted path in the object.
        key: what the text is called there: its field, its variable, its flag.
        text: the text itself; never to be shown.
        use: what becomes of it.
    """

    path: str
    key: str
    text: str
    use: Use = Use.FIELD


def leaves(view: ResourceView) -> Iterator[Leaf]:
    """Every text of an object; Secrets in the clear, encrypted ones not at all."""
    if view.kind in _ENCRYPTED_KINDS:
        return
    if not view.is_kubernetes and view.name:
        yield Leaf("name", "name", view.name)
    for key, value in view.props.items():
        if view.kind == "Secret" and key in ("data", "stringData"):
            yield from _of_secret(value, key)
        else:
            given = view.kind in ("ConfigMap", STACK_CONFIG) and key in ("data", "config")
            yield from _below(value, key, key, Use.GIVEN if given else Use.FIELD)


STACK_CONFIG = "StackConfig"
"""Kind of the view that a ``Pulumi.<stack>.yaml`` becomes."""


def texts(value: Any, path: str = "") -> Iterator[Leaf]:
    """Every text of a document that is no object of the cluster."""
    yield from _below(value, path, path.rpartition(".")[2], Use.FIELD)


def _below(value: Any, path: str, key: str, use: Use) -> Iterator[Leaf]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, (str, int)):
        yield from _of_text(str(value), path, key, use)
    elif isinstance(value, Mapping):
        if "secure" in value and use is Use.GIVEN:  # Pulumi's config: encrypted
            return
        use = Use.GIVEN if key in _HANDED_OVER else use
        said = value.get("name", value.get("key"))
        named = isinstance(said, str) and isinstance(value.get("value"), (str, int))
        for each, item in value.items():
            below = f"{path}.{each}" if path else str(each)
            if named and each == "value":
                yield from _below(item, below, str(said), Use.GIVEN)
            else:
                yield from _below(item, below, str(each), use)
    elif isinstance(value, (list, tuple)):
        yield from _of_list(value, path, key, use)


def _of_list(value: Sequence[Any], path: str, key: str, use: Use) -> Iterator[Leaf]:
    flag = ""
    for index, item in enumerate(value):
        below = f"{path}[{index}]"
        if key in ("args", "command") and isinstance(item, str):
            found = _FLAG.match(item)
            if found is None:
                yield from _of_text(item, below, flag or key, Use.GIVEN)
                flag = ""
            elif found.group(2) is None:
                flag = found.group(1)
            else:
                flag = ""
                yield from _of_text(found.group(2), below, found.group(1), Use.GIVEN)
        else:
            yield from _below(item, below, key, use)


def _of_text(text: str, path: str, key: str, use: Use) -> Iterator[Leaf]:
    """A text, and what stands in it where it is JSON, a file of lines, a command line or a user data of base64."""
    text = text[:_MOST_TEXT]
    yield Leaf(path, key, text, use)
    stripped = text.lstrip()
    if stripped[:1] in ("{", "[") and (parsed := _json(stripped)) is not None:
        for leaf in _below(parsed, "", key, Use.LINE if use is Use.GIVEN else use):
            yield replace(leaf, path=path, use=Use.LINE if leaf.use is Use.FIELD and use is Use.GIVEN else leaf.use)
    elif "\n" in text:
        for line in text.splitlines():
            found = _LINE.match(line)
            if found and found.group(2):
                yield Leaf(path, found.group(1), found.group(2), Use.LINE)
    elif " -" in text and key in ("args", "command"):
        words = text.split()
        for leaf in _of_list(words, path, "args", use):
            yield replace(leaf, path=path)
    elif key.lower() == "userdata" and (decoded := _decoded(text)) is not None:
        yield from _of_text(decoded, path, "user", use)


def _of_secret(value: Any, path: str) -> Iterator[Leaf]:
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if isinstance(item, str):
            decoded = _decoded(item) if path == "data" else item
            yield from _of_text(item if decoded is None else decoded, f"{path}.{key}", str(key), Use.SECRET)


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def kept_in_git(view: ResourceView) -> bool:
    """Whether an object's text stands in a file or a program in the clear; what Pulumi keeps secret is marked in the graph."""
    return lookup(view.props, "sops") is None
