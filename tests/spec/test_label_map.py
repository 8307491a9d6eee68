"""The ``--labels`` file is as strict as any other: a misspelt name would switch rules off in silence."""

from pathlib import Path

import pytest

from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.label_map import load_label_map
from gpuplane.spec.vocabulary import TENANT, LabelMap


def _load(folder: Path, text: str) -> LabelMap:
    file = folder / "labels.yaml"
    file.write_text(text)
    return load_label_map(file)


def test_what_is_said_counts_and_the_rest_stays(tmp_path: Path) -> None:
    labels = _load(tmp_path, "tenant: example.com/team\nallowed_regions: regions\n")

    assert (labels.tenant, labels.allowed_regions) == ("example.com/team", "regions")
    assert labels.environment == LabelMap().environment
    assert labels.tenant != TENANT


@pytest.mark.parametrize("text", [
    "data_classes: {pii: [customer, GDPR]}\n", "data_classes: {personal: customer}\n", "data_classes: {pii: [personal, customer]}\n"])
def test_other_words_for_data_classes(tmp_path: Path, text: str) -> None:
    labels = _load(tmp_path, text)

    assert [labels.data_class(word) for word in ("Customer", "pii", "PERSONAL", "other")] == ["personal"] * 3 + [None]


def test_own_words_come_before_ours(tmp_path: Path) -> None:
    labels = _load(tmp_path, "data_classes: {confidential: [personal], special: [pii]}\n")

    assert [labels.data_class(word) for word in ("personal", "pii", "special")] == ["confidential", "special", "special"]


@pytest.mark.parametrize(("text", "said"), [
    ("tenent: x\n", "labels.yaml:1 tenent: is not a field here"), ("tenant: 3\n", "tenant"), ("tenant: ''\n", "tenant"),
    ("data_classes: {secret: [x]}\n", "data_classes"),
    ("data_classes: {pii: [a], personal: [b]}\n", "personal stands here under two words that mean the same"), ("- tenant\n", "is not one mapping"), ("", "is not one mapping"), ("a: [", "is not YAML"),
    ("tenant: a\n---\ntenant: b\n", "is not one mapping")])
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        _load(tmp_path, text)

    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec, match="cannot be read"):
        load_label_map(tmp_path / "none.yaml")
