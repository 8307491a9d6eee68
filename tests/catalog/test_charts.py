"""What charts take: every key that a component can emit is there, a misspelt one is not, and each file says where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from gpuplane.catalog.chart_keys import key_tree
from gpuplane.catalog.chart_support import chart_support
from gpuplane.catalog.charts import chart, chart_versions, nearest_chart
from gpuplane.catalog.data_files import read_yaml, sources

INSTALLED = {"gpu-operator": "v26.7.0", "kueue": "0.19.2", "kserve-crd": "v0.20.0", "kserve-resources": "v0.20.0", "volcano": "1.15.1",
             "lws": "0.10.0", "cert-manager": "v1.21.1", "karpenter": "1.14.1", "gateway-helm": "v1.9.0", "ai-gateway-helm": "v1.1.0",
             "aws-efa-k8s-device-plugin": "v0.5.30"}
OTHERS = ("kserve-llmisvc-crd", "kserve-llmisvc-resources", "kserve-localmodel-crd", "kserve-localmodel-resources", "kserve-runtime-configs")


@pytest.mark.parametrize(("name", "version"), [*INSTALLED.items(), *((name, "v0.20.0") for name in OTHERS)])
def test_every_chart_is_known_with_its_source(name: str, version: str) -> None:
    known = chart(name, version)

    assert known is not None
    assert known.source
    assert version in chart_versions(name)


@pytest.mark.parametrize(("name", "values", "words"), [
    ("gpu-operator", {"driver": {"verison": "580.1.2"}}, "gpu-operator v26.7.0 has no value driver.verison. Did you mean driver.version?"),
    ("gpu-operator", {"dcgm": {"enabled": "yes"}}, "takes bool at dcgm.enabled, and this is 'yes'"),
    ("gpu-operator", {"operator": "big"}, "takes a block at operator"),
    ("gpu-operator", {"driver": {"manager": {"env": {}}}}, "takes list at driver.manager.env"),
    ("kueue", {"controllerManager": {"replicas": True}}, "takes int at controllerManager.replicas"),
    ("kueue", {"replicaCount": 2}, "has no value replicaCount. There are: certManager"),
    ("kserve-crd", {"any": 1}, "There are: none"),
    ("volcano", {"custom": {"leader_elect_enabled": True}}, "Did you mean custom.leader_elect_enable?"),
])
def test_what_a_chart_does_not_take_is_said_with_the_nearest_name(name: str, values: dict[str, Any], words: str) -> None:
    known = chart(name, INSTALLED[name])
    assert known is not None

    assert words in " ".join(map(str, known.problems(values)))


@pytest.mark.parametrize(("name", "values"), [
    ("gpu-operator", {"operator": {"resources": {"limits": {"memory": "1Gi"}}}, "driver": {"upgradePolicy": {"maxUnavailable": 2}}}),
    ("gpu-operator", {"dcgmExporter": {"podLabelAllowlistRegex": ["^app$"], "config": {"name": "metrics"}}}),
    ("gpu-operator", {"node-feature-discovery": {"worker": {"nodeSelector": {"a": "b"}}}}),
    ("kueue", {"controllerManager": {"manager": {"priorityClassName": "system-cluster-critical"}}}),
    ("volcano", {"custom": {"scheduler_config_override": "actions: allocate", "default_ns": {"a": "b"}}}),
])
def test_what_it_takes_passes(name: str, values: dict[str, Any]) -> None:
    known = chart(name, INSTALLED[name])
    assert known is not None

    assert list(known.problems(values)) == []


def test_a_patch_has_the_keys_of_its_minor_version_and_another_minor_none() -> None:
    near = nearest_chart("kueue", "0.19.9")
    assert near is not None
    assert near.version == "0.19.2"
    assert chart("kueue", "0.19.9") is None
    assert nearest_chart("kueue", "0.99.0") is None


def test_the_tree_of_a_values_file() -> None:
    values = {"a": {"b": True, "c": "", "d": "25%", "e": None}, "nodeSelector": {"kubernetes.io/os": "linux"}, "list": [], "open": {}, "n": 1.5}

    assert key_tree(values) == {"a": {"b": "bool", "c": "scalar", "d": "int_or_percent", "e": "any"}, "list": "list", "n": "number",
                                "nodeSelector": "map", "open": "map"}


def _leaves(tree: Mapping[str, Any]) -> Iterator[str]:
    for value in tree.values():
        yield from _leaves(value) if isinstance(value, Mapping) else (value,)


@pytest.mark.parametrize(("name", "version"), INSTALLED.items())
def test_every_type_of_a_chart_is_one_that_is_checked(name: str, version: str) -> None:
    known = chart(name, version)
    assert known is not None
    assert set(_leaves(known.keys)) <= {"bool", "int", "number", "string", "scalar", "int_or_percent", "list", "map", "any"}


def test_every_row_of_the_table_has_a_source_and_later_versions_need_no_older_kubernetes() -> None:
    table = read_yaml("compatibility.yaml")
    rows = [row for rows in table["charts"].values() for row in rows]

    assert {row["source"] for row in [*rows, *table["needs"].values()]} <= sources().keys()
    assert all(chart_support(name, version) is not None for name, version in INSTALLED.items() if name != "kserve-crd")
    assert chart_support("kueue", "0.1.0") is None
