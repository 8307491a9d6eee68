"""Modules of SDKs without the rest of them, and the whole SDK for whoever asks for it later."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpuplane.components.sdk_modules import sdk_module

_CODE = """
import sys
from gpuplane.components.sdk_modules import sdk_module
models, client = sdk_module("kserve.models"), sdk_module("kubernetes.client")
spec, toleration = models.V1beta1PredictorSpec, client.V1Toleration
brought = {"pandas", "fastapi", "google.auth", "requests_oauthlib"} & sys.modules.keys()
assert not brought, brought

import kserve, kubernetes
assert kserve.V1beta1PredictorSpec is kserve.models.V1beta1PredictorSpec is spec
assert kserve.constants.KSERVE_GROUP == "serving.kserve.io" and callable(kserve.ModelServer)
assert kubernetes.client.V1Toleration is toleration and callable(kubernetes.config.load_kube_config)
assert sdk_module("kserve.models") is models
"""


def test_a_module_comes_alone_and_the_whole_sdk_is_there_for_whoever_asks() -> None:
    subprocess.run([sys.executable, "-c", _CODE], check=True)


@pytest.mark.parametrize("name", ["no_such_sdk.models", "kserve.no_such_module"])
def test_a_module_that_is_not_there_is_an_import_error(name: str) -> None:
    with pytest.raises(ModuleNotFoundError):
        sdk_module(name)
