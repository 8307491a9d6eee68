"""Parsed documents are remembered by content, validated when read, and never believed over the file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gpuplane.delivery.document_cache import DocumentCache, cache_file
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import load_environment
from gpuplane.spec.parsed_documents import InMemory, text_digest
from tests.planning.wish import valid


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in valid().documents.items():
        file = tmp_path / "prod" / f"{path}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return tmp_path


def cached(folder: Path, file: Path) -> EnvironmentSpec:
    with DocumentCache(file) as documents:
        return load_environment(folder, "prod", documents)


def test_the_same_spec_with_and_without(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "documents.sqlite"
    assert load_environment(folder, "prod") == cached(folder, file) == cached(folder, file)
    assert file.exists()
    assert cached(folder, file).places["Tenant", "acme"].line("spec.quota") == load_environment(folder, "prod").places[
        "Tenant", "acme"].line("spec.quota")


def test_a_remembered_file_is_not_parsed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = InMemory()
    first = load_environment(folder, "prod", memory)
    monkeypatch.setattr("gpuplane.spec.loader.parse_text", lambda *_: pytest.fail("parsed again"))
    assert load_environment(folder, "prod", memory) == first


def test_a_changed_file_is_read_as_it_is_now(folder: Path, tmp_path: Path) -> None:
    file, tenant = tmp_path / "documents.sqlite", folder / "prod" / "tenants" / "acme.yaml"
    cached(folder, file)
    tenant.write_text(tenant.read_text().replace("h100: 6", "h100: 5"))
    assert cached(folder, file).tenants["acme"].spec.quota["h100"].nominal_quota == 5


def test_errors_keep_their_lines_and_are_not_remembered(folder: Path, tmp_path: Path) -> None:
    file, tenant = tmp_path / "documents.sqlite", folder / "prod" / "tenants" / "acme.yaml"
    tenant.write_text(tenant.read_text().replace("h100: 6", "h100: many"))
    said = []
    for _ in range(2):
        with pytest.raises(InvalidSpec) as error:
            cached(folder, file)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert "tenants/acme.yaml:" in said[0]


BROKEN: dict[str, Callable[[str], str]] = {
    "not JSON": lambda _: "{", "not a document": lambda _: "[]",
    "another document": lambda text: text.replace('"acme"', '"other"'), "an unknown field": lambda text: text.replace('"owner"', '"ownre"')}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_value_that_is_not_that_document_is_parsed_again(broken: Callable[[str], str], folder: Path) -> None:
    text = (folder / "prod" / "tenants" / "acme.yaml").read_text()
    memory = InMemory()
    memory.put(text_digest(text), broken(json.dumps(yaml.safe_load(text))))
    assert load_environment(folder, "prod", memory) == load_environment(folder, "prod")


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_broken_cache_is_as_good_as_none(content: bytes, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "documents.sqlite"
    file.write_bytes(content)
    assert cached(folder, file) == cached(folder, file) == load_environment(folder, "prod")


def test_a_cache_that_cannot_be_written_is_as_good_as_none(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert cached(folder, tmp_path / "file" / "documents.sqlite") == load_environment(folder, "prod")


def test_a_locked_cache_is_as_good_as_none(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "documents.sqlite"
    cached(folder, file)
    with sqlite3.connect(file) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert cached(folder, file) == load_environment(folder, "prod")


def test_it_lies_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_file() == Path("/somewhere/gpuplane/documents.sqlite")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # the specification says to ignore it
    assert cache_file() == Path.home() / ".cache" / "gpuplane" / "documents.sqlite"


def test_the_line_of_a_name_is_remembered_and_others_are_read_when_asked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = folder / "prod" / "tenants" / "acme.yaml"
    tenant.write_text(f"# one\n# two\n{tenant.read_text()}")
    fresh = load_environment(folder, "prod").places
    cached(folder, tmp_path / "documents.sqlite")
    again = cached(folder, tmp_path / "documents.sqlite").places
    with monkeypatch.context() as patched:
        patched.setattr("gpuplane.spec.yaml_source.compose", lambda *_: pytest.fail("parsed again"))
        assert {key: place.line("metadata.name") for key, place in again.items()} == {
            key: place.lines["metadata.name"] for key, place in again.items()}
    for key, place in fresh.items():
        assert dict(place.lines) == dict(again[key].lines)
        assert all(place.line(path) == again[key].line(path) for path in place.lines)


def test_a_remembered_line_that_is_none_is_read_again(folder: Path) -> None:
    memory = InMemory()
    lines = {key: place.line("metadata.name") for key, place in load_environment(folder, "prod", memory).places.items()}
    for digest, value in list(memory._values.items()):
        memory.put(digest, value.replace("\n", "\nx"))
    assert {key: place.line("metadata.name") for key, place in load_environment(folder, "prod", memory).places.items()} == lines
