"""Security contexts of pods and containers: where a setting is written, and which one holds for a container.

A container's own setting wins over its pod's (Kubernetes API, ``SecurityContext``); a null is a setting that is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import Unknown, lookup

_CONTEXT = "securityContext"


@dataclass(frozen=True)
class Setting:
    """One setting as it is written.

    Attributes:
        value: never None; may be an :class:`Unknown`.
        path: dotted path in the object; where a parent is unknown, still that of the setting.
        who: ``Container NAME``, or ``The pod spec`` where it stands for all containers.
    """

    value: Any
    path: str
    who: str

    @property
    def unknown(self) -> bool:
        """Whether only apply can know it."""
        return isinstance(self.value, Unknown)


def of_pod(template: PodTemplate, *field: str) -> Setting | None:
    """The pod's own setting of ``securityContext.FIELD``, if it is written."""
    value = lookup(template.spec, _CONTEXT, *field)
    return None if value is None else Setting(value, _join(template.path, field), "The pod spec")


def of_container(container: PodContainer, *field: str) -> Setting | None:
    """The container's own setting of ``securityContext.FIELD``, if it is written."""
    value = lookup(container.spec, _CONTEXT, *field)
    return None if value is None else Setting(value, _join(container.path, field), f"Container {container.name}")


def written(template: PodTemplate, *field: str) -> Iterator[Setting]:
    """Every place where ``securityContext.FIELD`` is written: the pod's first, then each container's."""
    for setting in (of_pod(template, *field), *(of_container(container, *field) for container in template.containers)):
        if setting is not None:
            yield setting


def on_windows(template: PodTemplate) -> bool:
    """Whether the pods say that they run on Windows, where Linux' settings may not be written."""
    return bool(lookup(template.spec, "os", "name") == "windows")


def in_user_namespace(template: PodTemplate) -> bool:
    """Whether root in the pods is nobody on the node (``hostUsers: false``)."""
    return lookup(template.spec, "hostUsers") is False


def _join(path: str, field: tuple[str, ...]) -> str:
    return ".".join(part for part in (path, _CONTEXT, *field) if part)
