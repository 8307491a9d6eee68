"""Definitions of kinds that a cluster has not, from the folder that GPUPLANE_EXTRA_CRDS names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from kubernetes import client, dynamic

from tests.integration.cluster import Cluster


def is_served(version: str, kind: str) -> bool:
    """Whether the API server has a kind by now."""
    try:
        Cluster().kind(version, kind)
    except dynamic.exceptions.ResourceNotFoundError:
        return False
    return True


def install_crds(cluster: Cluster, *files: str) -> None:
    """Install what is not there yet of some files; without the folder the test is skipped, in CI it fails."""
    folder = os.environ.get("GPUPLANE_EXTRA_CRDS")
    if folder is None:
        assert os.environ.get("CI") != "true", "CI=true, and GPUPLANE_EXTRA_CRDS is not set"
        pytest.skip("GPUPLANE_EXTRA_CRDS names no folder of CRDs")
    api = client.ApiextensionsV1Api(cluster.api)
    there = {one.metadata.name for one in api.list_custom_resource_definition().items}
    for file in files:
        for crd in yaml.load_all(Path(folder, file).read_text(), Loader=yaml.CSafeLoader):
            if crd and crd["kind"] == "CustomResourceDefinition" and crd["metadata"]["name"] not in there:
                api.create_custom_resource_definition(crd)
