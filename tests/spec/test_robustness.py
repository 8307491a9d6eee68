"""Whatever a file holds, loading gives a wish or an InvalidSpec whose errors people can read; never a traceback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.loader import load_environment
from tests.spec.strategies import json_values, paths_of, put, scalars
from tests.spec.wish import VALID

DOCUMENTS = {name: yaml.safe_load(text) for name, text in VALID.items()}
DOCUMENTS["exemptions.yaml"]["spec"]["exemptions"][0]["expires"] = "2027-03-31"
PATHS = [(name, path) for name in sorted(DOCUMENTS) for path in paths_of(DOCUMENTS[name])]


def load(files: dict[str, str | bytes]) -> EnvironmentSpec | tuple[SpecError, ...]:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in ({**VALID, **files}).items():
            path = Path(folder, "test", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            return load_environment(Path(folder), "test")
        except InvalidSpec as invalid:
            return invalid.errors


def readable(error: SpecError) -> bool:
    text = str(error)
    return text.isprintable() and bool(text.encode()) and bool(error.remedy) and len(error.message) < 2000 and error.line >= 0


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(PATHS), st.one_of(json_values, scalars, st.none())), min_size=1, max_size=3))
def test_any_value_at_any_path_gives_a_wish_or_readable_errors(changes: list[tuple[Any, Any]]) -> None:
    documents: dict[str, Any] = {}
    for (name, path), value in changes:
        try:
            documents[name] = put(documents.get(name, DOCUMENTS[name]), path, value)
        except (TypeError, KeyError, IndexError):  # an earlier change took the place away
            continue

    found = load({name: yaml.safe_dump(document, allow_unicode=True) for name, document in documents.items()})

    assert isinstance(found, EnvironmentSpec) or (found and all(map(readable, found)))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(VALID)), at=st.integers(0, 2000), cut=st.integers(0, 40), data=st.one_of(
    st.binary(max_size=20), st.text("abz019 \n\t:-[]{}&*!|>%@`'\"#?,.<~=", max_size=20).map(str.encode),
    st.sampled_from([b"&a ", b"*a", b"<<: ", b"!!python/name:os.system ", b"? ", b"--- ", b"...\n", b"%YAML 9.9\n",
                     b"\xef\xbb\xbf",
                     b"!!int ", b"!!bool ", b"!!float ", b"!!null ", b"!!timestamp ", b"!!binary ", b"\x85", b"\xe2\x80\xa8"])))
def test_any_bytes_in_a_file_give_a_wish_or_readable_errors(name: str, at: int, cut: int, data: bytes) -> None:
    original = VALID[name].encode()
    at %= len(original)

    found = load({name: original[:at] + data + original[at + cut:]})

    assert isinstance(found, EnvironmentSpec) or (found and all(map(readable, found)))
