"""Any YAML in, views and errors out: nothing in a file stops the reading of another."""

from pathlib import Path

import pytest

from gpuplane.graph.manifests import read_manifests, views_of_text
from gpuplane.spec.yaml_source import Limits

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_folders_are_read_to_the_bottom_in_order(tmp_path: Path) -> None:
    _write(tmp_path, b_yaml=POD % "b", a__c_yml=POD % "c", a__d_json='{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "d"}}',
           e_txt=POD % "e", _hidden_yaml=POD % "h")

    views, errors = read_manifests([tmp_path])

    assert [view.name for view in views] == ["b", "c", "d"]
    assert errors == []


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    file = tmp_path / "pod.txt"
    file.write_text(POD % "x")

    assert [view.name for view in read_manifests([file, file])[0]] == ["x"]


def test_each_document_knows_its_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text("# comment\n" + POD % "a" + "---\n\n" + POD % "b")

    views, _ = read_manifests([file])

    assert [(view.file, view.line) for view in views] == [(file.as_posix(), 2), (file.as_posix(), 7)]
    assert len({view.urn for view in views}) == 2


def test_lists_are_flattened_and_typed_lists_say_what_their_items_are() -> None:
    views = views_of_text("""
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Pod, metadata: {name: a}}
---
apiVersion: apps/v1
kind: DeploymentList
items:
  - {metadata: {name: b, namespace: n}}
""")

    assert [(view.api_version, view.kind, view.namespace, view.name, view.line) for view in views] == [
        ("v1", "Pod", "", "a", 5), ("apps/v1", "Deployment", "n", "b", 10)]


def test_mappings_that_are_no_objects_are_left_out() -> None:
    assert views_of_text("name: values\n---\nkind: Values\n---\napiVersion: 1\nkind: X\n---\n") == ()


@pytest.mark.parametrize("text", ["apiVersion: v1\nkind: Pod\nmetadata: null\n", "apiVersion: v1\nkind: Pod\nmetadata: [1]\n",
                                  "apiVersion: v1\nkind: Pod\n", "apiVersion: v1\nkind: Pod\nspec: 3\nmetadata: {labels: x, namespace: 4}\n"])
def test_broken_metadata_breaks_nothing(text: str) -> None:
    (view,) = views_of_text(text)

    assert (view.kind, view.name) == ("Pod", "")
    assert (dict(view.labels), dict(view.annotations)) == ({}, {})


@pytest.mark.parametrize(("text", "said"), [
    ("- a\n- b\n", "is not a mapping"), ("just text\n", "is not a mapping"), ("a: [1\n", "is not YAML"), ("{{ .Values.x }}: {{ y }}\n", "")])
def test_a_file_that_cannot_be_read_is_an_error_beside_the_others(tmp_path: Path, text: str, said: str) -> None:
    _write(tmp_path, a_yaml=text, b_yaml=POD % "b")

    views, errors = read_manifests([tmp_path])

    assert [view.name for view in views] == ["b"]
    assert [error.file for error in errors] == [(tmp_path / "a.yaml").as_posix()]
    assert said in errors[0].message


def test_bounds_are_errors_and_not_partial_reads(tmp_path: Path) -> None:
    _write(tmp_path, a_yaml=POD % "a" + "spec: {" + ", ".join(f"k{number}: 1" for number in range(100)) + "}\n")

    views, errors = read_manifests([tmp_path], Limits(nodes=50))

    assert views == []
    assert len(errors) == 1


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    views, errors = read_manifests([tmp_path / "nothing"])

    assert views == []
    assert errors[0].message == "is not there."


def test_text_that_is_no_yaml_is_refused() -> None:
    with pytest.raises(ValueError, match="is not YAML"):
        views_of_text("a: [")
