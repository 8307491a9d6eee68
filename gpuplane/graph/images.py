"""Image names as a container runtime reads them, and every place of a pod that names one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.command_lines import flags
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import items, lookup

_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-f]{32,}")
"""``algorithm:hex`` (github.com/distribution/reference, regexp.go; lower case as registered algorithms have it)."""
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128, "blake3": 64}
"""Hexadecimal digits of registered algorithms (OCI image specification v1.1, descriptor.md)."""
_IMAGE_VARIABLE = re.compile(r"(RELATED_IMAGE_\w+|(\w+_)?IMAGE)")
"""Variables by which operators are told which images to run."""


@dataclass(frozen=True)
class ImageName:
    """One image: its full name, and the tag and digest that follow it (empty for none)."""

    name: str
    tag: str
    digest: str

    @property
    def pinned(self) -> bool:
        """Whether a digest that can be one fixes the bytes."""
        if _DIGEST.fullmatch(self.digest) is None:
            return False
        algorithm, _, digits = self.digest.partition(":")
        return len(digits) == _LENGTHS.get(algorithm, len(digits))


@dataclass(frozen=True)
class ImageUse:
    """One place that names an image: where it stands, who runs it, and the text (maybe unknown)."""

    path: str
    by: str
    text: Any


def image_name(text: str) -> ImageName:
    """An image's text in its parts; ``vllm/vllm-openai`` is ``docker.io/vllm/vllm-openai``."""
    rest, _, digest = text.partition("@")
    before, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:  # that colon is before a registry's port
        before, tag = rest, ""
    return ImageName(full_name(before), tag, digest)


def full_name(image: str) -> str:
    """An image's name with its registry, as the container runtime reads it (docker.io, and ``library/`` for one-part names)."""
    first, slash, _ = image.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def image_uses(template: PodTemplate) -> Iterator[ImageUse]:
    """Every image of a pod: of its containers, of image volumes, and those that a container is told to run."""
    for container in template.containers:
        if container.spec.get("image") not in (None, ""):
            yield ImageUse(f"{container.path}.image", f"container {container.name}", container.spec["image"])
        yield from _told(container)
    for index, volume in enumerate(items(template.spec.get("volumes"))):
        reference = lookup(volume, "image", "reference")
        if reference is not None:
            yield ImageUse(f"{template.path}.volumes[{index}].image.reference", f"volume {lookup(volume, 'name')}", reference)


def _told(container: PodContainer) -> Iterator[ImageUse]:
    for name, value in flags(container).items():
        if (name == "image" or name.endswith("-image")) and _looks_like_one(value):
            yield ImageUse(f"{container.path}.args", f"flag --{name} of container {container.name}", value)
    for index, item in enumerate(items(container.spec.get("env"))):
        key, value = lookup(item, "name"), lookup(item, "value")
        if isinstance(key, str) and isinstance(value, str) and _IMAGE_VARIABLE.fullmatch(key) and _looks_like_one(value):
            yield ImageUse(f"{container.path}.env[{index}].value", f"variable {key} of container {container.name}", value)


def _looks_like_one(value: str) -> bool:
    return re.fullmatch(r"[\w.:-]+(/[\w.:-]+)+(@[\w.+-]+:\w+)?", value) is not None
