"""Every piece of text in an object, with where it stands and what it is called: what detectors of personal data and secrets read.

Raw YAML would not do: detectors need to know what a value is called (``env`` puts that into a sibling, command lines into the word
before), and whether it is handed to a program or only names something.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from gpuplane.graph.json_text import json_in
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


class Leaf(NamedTuple):
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


def leaves(view: ResourceView) -> list[Leaf]:
    """Every text of an object; Secrets in the clear, encrypted ones not at all."""
    found: list[Leaf] = []
    if view.kind in _ENCRYPTED_KINDS:
        return found
    if not view.is_kubernetes and view.name:
        found.append(Leaf("name", "name", view.name))
    for key, value in view.props.items():
        if view.kind == "Secret" and key in ("data", "stringData"):
            _of_secret(value, key, found)
        else:
            given = view.kind in ("ConfigMap", STACK_CONFIG) and key in ("data", "config")
            _below(value, key, key, Use.GIVEN if given else Use.FIELD, found)
    return found


STACK_CONFIG = "StackConfig"
"""Kind of the view that a ``Pulumi.<stack>.yaml`` becomes."""


def texts(value: Any, path: str = "") -> list[Leaf]:
    """Every text of a document that is no object of the cluster."""
    found: list[Leaf] = []
    _below(value, path, path.rpartition(".")[2], Use.FIELD, found)
    return found


def _below(value: Any, path: str, key: str, use: Use, found: list[Leaf]) -> None:
    if type(value) is str:
        _of_text(value, path, key, use, found)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, (str, int)):
        _of_text(str(value), path, key, use, found)
    elif type(value) is dict or isinstance(value, Mapping):
        _of_mapping(value, path, key, use, found)
    elif isinstance(value, (list, tuple)):
        _of_list(value, path, key, use, found)


def _of_mapping(value: Mapping[Any, Any], path: str, key: str, use: Use, found: list[Leaf]) -> None:
    if "secure" in value and use is Use.GIVEN:  # Pulumi's config: encrypted
        return
    use = Use.GIVEN if key in _HANDED_OVER else use
    said = value.get("name", value.get("key"))
    named = isinstance(said, str) and isinstance(value.get("value"), (str, int))
    for each, item in value.items():
        below = f"{path}.{each}" if path else str(each)
        if named and each == "value":
            _below(item, below, str(said), Use.GIVEN, found)
        else:
            _below(item, below, str(each), use, found)


def _of_list(value: Sequence[Any], path: str, key: str, use: Use, found: list[Leaf]) -> None:
    flag, line = "", key in ("args", "command")
    for index, item in enumerate(value):
        below = f"{path}[{index}]"
        if line and isinstance(item, str):
            match = _FLAG.match(item)
            if match is None:
                _of_text(item, below, flag or key, Use.GIVEN, found)
                flag = ""
            elif match.group(2) is None:
                flag = match.group(1)
            else:
                flag = ""
                _of_text(match.group(2), below, match.group(1), Use.GIVEN, found)
        else:
            _below(item, below, key, use, found)


def _of_text(text: str, path: str, key: str, use: Use, found: list[Leaf]) -> None:
    """A text, and what stands in it where it is JSON, a file of lines, a command line or a user data of base64."""
    if len(text) > _MOST_TEXT:
        text = text[:_MOST_TEXT]
    found.append(Leaf(path, key, text, use))
    if ("{" in text or "[" in text) and (stripped := text.lstrip())[:1] in ("{", "[") and (parsed := _json(stripped)) is not None:
        inside: list[Leaf] = []
        _below(parsed, "", key, Use.LINE if use is Use.GIVEN else use, inside)
        found += [Leaf(path, leaf.key, leaf.text, Use.LINE if leaf.use is Use.FIELD and use is Use.GIVEN else leaf.use) for leaf in inside]
    elif "\n" in text:
        for line in text.splitlines():
            match = _LINE.match(line)
            if match and match.group(2):
                found.append(Leaf(path, match.group(1), match.group(2), Use.LINE))
    elif " -" in text and key in ("args", "command"):
        inside = []
        _of_list(text.split(), path, "args", use, inside)
        found += [leaf._replace(path=path) for leaf in inside]
    elif len(key) == _USER_DATA and key.lower() == "userdata" and (decoded := _decoded(text)) is not None:
        _of_text(decoded, path, "user", use, found)


_USER_DATA = len("userdata")


def _of_secret(value: Any, path: str, found: list[Leaf]) -> None:
    for key, item in value.items() if isinstance(value, Mapping) else ():
        if isinstance(item, str):
            decoded = _decoded(item) if path == "data" else item
            _of_text(item if decoded is None else decoded, f"{path}.{key}", str(key), Use.SECRET, found)


def _json(text: str) -> Any:
    found = json_in(text)
    return found if isinstance(found, (dict, list)) else None


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def kept_in_git(view: ResourceView) -> bool:
    """Whether an object's text stands in a file or a program in the clear; what Pulumi keeps secret is marked in the graph."""
    return lookup(view.props, "sops") is None
