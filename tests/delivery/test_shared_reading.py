"""Manifests read by several processes are those that one reads, in its order and with all its errors, also where a child fails."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gpuplane.delivery import chunks, shared_reading
from gpuplane.delivery.shared_reading import read_by_all_processors
from gpuplane.graph.manifests import Read, read_files, read_manifests
from gpuplane.graph.resource_view import Unknown
from gpuplane.spec.yaml_source import Limits

WRONG = {
    3: "a: [1\n", 14: "- a list\n", 25: "a: &a [*a]\n", 36: "a: 1\na: 2\nkind: Pod\napiVersion: v1\n", 47: "[" * 200,
    58: "x: " + "y" * 5_000, 69: "a: b\n---\n: : :\n- no\n", 80: "a: !!python/object:os.system {}\n"}
PROGRAM = """
name: cloud
runtime: yaml
resources:
  bucket: {type: aws:s3/bucket:Bucket, properties: {bucket: models}}
  key: {type: aws:kms/key:Key, properties: {description: "${bucket.id}"}}
"""
LISTED = """
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: first}, data: {number: "1", text: "ä"}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: second}, count: 1.5, on: true, none: null, many: 123456789012345678901234567890}
"""
SMALL = Limits(size_bytes=4_000, depth=128, nodes=2_000)


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few files are shared out too, to three processes, whatever runs in this one."""
    monkeypatch.setattr(shared_reading, "_LEAST", 1)
    monkeypatch.setattr(shared_reading, "_PART", 7)
    monkeypatch.setattr(chunks, "_can_fork", lambda: True)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred files: most are good, some are wrong in every way there is, one is no text, and one is a pipe that nobody writes to."""
    for number in range(100):
        text = WRONG.get(number, f"apiVersion: v1\nkind: Pod\nmetadata: {{name: pod-{number}}}\n---\n{LISTED}")
        (tmp_path / f"{number:03}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "060.yaml").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "070.yaml").write_bytes(b"a: \xff\n")
    (tmp_path / "071.yaml").unlink()
    os.mkfifo(tmp_path / "071.yaml")
    return tmp_path


def test_several_processes_read_what_one_reads(folder: Path) -> None:
    views, errors = read_manifests([folder, folder / "none"], SMALL, run=read_by_all_processors)

    assert (views, errors) == read_manifests([folder, folder / "none"], SMALL)
    assert [view.props for view in views] == [view.props for view in read_manifests([folder], SMALL)[0]]
    assert [Path(error.file).stem for error in errors] == ["none", "003", "014", "025", "036", "047", "058", "069", "070", "071", "080"]
    assert any(isinstance(view.get("description"), Unknown) for view in views), "what is only known after apply goes over the pipe, too"


@pytest.mark.parametrize("fails", ["exits", "raises"])
def test_what_a_child_does_not_answer_for_is_read_here(folder: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    parent = os.getpid()

    def only_here(files: Sequence[Path], limits: Limits) -> Read:
        if os.getpid() != parent and any(file.stem == "050" for file in files):
            if fails == "exits":
                os._exit(1)
            raise MemoryError
        return read_files(files, limits)

    monkeypatch.setattr(shared_reading, "read_files", only_here)

    assert read_manifests([folder], SMALL, run=read_by_all_processors) == read_manifests([folder], SMALL)


def test_too_many_files_and_too_few_are_read_by_one_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a child was asked")

    monkeypatch.setattr(shared_reading, "done_by_all", never)
    for name, value in (("_LEAST", 10_000), ("_MOST", 10)):
        monkeypatch.setattr(shared_reading, name, value)
        assert read_manifests([folder], SMALL, run=read_by_all_processors) == read_manifests([folder], SMALL)
        monkeypatch.setattr(shared_reading, "_LEAST", 1)
