"""No file of this repository holds a secret: the detectors that judge other people's files judge ours."""

from __future__ import annotations

import re

import pytest

from gpuplane.graph.secret_literals import spans
from tests.architecture.test_house import ROOT, TRACKED, _name

_MADE_UP = re.compile(r"(?i)example|(.)\1{5}|0123456789|abcdef|changeme|not-a-|AKIAIOSFODNN7")
"""Secrets that nobody has: tests and rules show what secrets look like."""
_SHOWN = ("tests/", "policies/rules/", "docs/reference/rules.md", "gpuplane/graph/secret_literals.py")
"""Where secrets of no one stand as examples. A private key's block and a token with a checksum are looked for there as well."""
_TEXTS = [path for path in TRACKED if not path.is_symlink() and b"\0" not in path.read_bytes()[:4096] and path.parent != ROOT / "locks"]


def _found(text: str) -> list[str]:
    return sorted(each for each in spans(text) if not _MADE_UP.search(each))


def test_no_file_holds_a_secret() -> None:
    found = {_name(path): _found(path.read_text(encoding="utf-8", errors="replace")) for path in _TEXTS if not _name(path).startswith(_SHOWN)}

    assert {name: texts for name, texts in found.items() if texts} == {}


def test_no_file_at_all_holds_a_private_key() -> None:
    block = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[A-Za-z0-9+/=]{60,}\s+){4}")

    assert [_name(path) for path in _TEXTS if block.search(path.read_text(encoding="utf-8", errors="replace"))] == []


@pytest.mark.parametrize("text", ["token: ghp_" + "a1B2c3D4e5F6" * 3, "url: https://admin:" + "Xq7wLm2p" + "@db.internal/x"])
def test_a_secret_would_be_found(text: str) -> None:
    assert _found(text)
