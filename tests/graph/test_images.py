"""Image names in their parts, and the places of a pod that name images."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuplane.graph.images import ImageName, image_name, image_uses
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.pod_templates import pod_templates

DIGEST = "0f9e5a4b2c8d7f6e1a3b5c7d9e0f2a4b6c8d0e1f3a5b7c9d1e2f4a6b8c0d2e4f"


@pytest.mark.parametrize(("text", "expected"), [
    ("busybox", ImageName("docker.io/library/busybox", "", "")),
    ("vllm/vllm-openai:v1", ImageName("docker.io/vllm/vllm-openai", "v1", "")),
    ("registry.example.com:5000/a", ImageName("registry.example.com:5000/a", "", "")),
    ("registry.example.com:5000/a/b:1@sha256:ab", ImageName("registry.example.com:5000/a/b", "1", "sha256:ab")),
    ("localhost/a", ImageName("localhost/a", "", "")),
])
def test_a_name_has_a_registry_a_tag_and_a_digest(text: str, expected: ImageName) -> None:
    assert image_name(text) == expected


@pytest.mark.parametrize(("digest", "pinned"), [
    (f"sha256:{DIGEST}", True), (f"sha512:{DIGEST * 2}", True), (f"blake3:{DIGEST}", True), (f"other-hash:{DIGEST[:32]}", True),
    (f"sha256:{DIGEST[:-1]}", False), (f"sha256:{DIGEST.upper()}", False), (f"sha512:{DIGEST}", False), ("sha256:", False), (DIGEST, False),
    ("", False)])
def test_a_digest_is_one_that_its_algorithm_can_give(digest: str, pinned: bool) -> None:
    assert image_name(f"a@{digest}").pinned is pinned


@given(st.text(max_size=60))
def test_any_text_is_a_name_of_some_kind(text: str) -> None:
    name = image_name(text)

    assert name.tag == "" or "/" not in name.tag


def test_images_stand_in_containers_volumes_flags_and_variables() -> None:
    (view,) = views_of_text("""
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  initContainers: [{name: i, image: "x/init:1"}]
  containers:
    - name: c
      image: x/main:1
      args: [--sidecar-image=x/side:1, --image-format, png, --image, not-one]
      env: [{name: RELATED_IMAGE_AGENT, value: "x/agent:1"}, {name: HERO_IMAGE, value: hero.png}]
  volumes: [{name: weights, image: {reference: "x/weights:1"}}]
""")
    found = {use.path: use.text for template in pod_templates(view) for use in image_uses(template)}

    assert found == {
        "spec.initContainers[0].image": "x/init:1", "spec.containers[0].image": "x/main:1", "spec.containers[0].args": "x/side:1",
        "spec.containers[0].env[0].value": "x/agent:1", "spec.volumes[0].image.reference": "x/weights:1"}
