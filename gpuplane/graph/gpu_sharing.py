"""How nodes share their GPUs, from what configures the device plugin and the MIG manager.

A config is a YAML text inside a ConfigMap or inside the values of a Helm release; a node picks one by label
(``nvidia.com/device-plugin.config``, ``nvidia.com/mig.config``), all other nodes get the default. Field names
are those of k8s-device-plugin v1 configs and mig-parted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping
from gpuplane.spec.vocabulary import GPU, mig_resource
from gpuplane.spec.yaml_source import MANIFEST_LIMITS, parse_text

PLUGIN_CONFIG = "nvidia.com/device-plugin.config"
MIG_CONFIG = "nvidia.com/mig.config"
UNRESOLVED = "unresolved"
"""Sharing of nodes that pick a config nobody can look up."""
SHARED_STRATEGIES = ("time-slicing", "mps")
"""Ways of sharing that isolate neither memory nor faults of one pod from another (NVIDIA device plugin docs)."""


@dataclass(frozen=True)
class PluginConfig:
    """One named device-plugin config.

    Attributes:
        strategy: ``time-slicing``, ``mps`` or ``dedicated``.
        replicas: device resource to pods on each device.
        view: the object it stands in.
    """

    strategy: str
    replicas: Mapping[str, int]
    view: ResourceView


@dataclass(frozen=True)
class SharingConfigs:
    """All configs of the graph: plugin configs and MIG layouts by name, and what nodes without a label get."""

    plugin: Mapping[str, PluginConfig] = field(default_factory=dict)
    default: str = ""
    mig: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def plugin_for(self, node_labels: Mapping[str, Any]) -> PluginConfig | None:
        """The device-plugin config of nodes with these labels."""
        return self.plugin.get(str(node_labels.get(PLUGIN_CONFIG, self.default)))

    def unresolved(self, node_labels: Mapping[str, Any]) -> bool:
        """Whether nodes with these labels pick a config that the graph does not hold, though it is the graph's to hold."""
        mig, plugin = node_labels.get(MIG_CONFIG), node_labels.get(PLUGIN_CONFIG)
        return (mig is not None and bool(self.mig) and str(mig) not in self.mig) or (
            plugin is not None and str(plugin) not in self.plugin)

    def devices(self, node_labels: Mapping[str, Any], gpus: int) -> dict[str, int] | None:
        """Devices that a node with these labels and so many GPUs offers; None where its config is not in the graph."""
        if MIG_CONFIG in node_labels:
            layout = self.mig.get(str(node_labels[MIG_CONFIG]))
            return None if layout is None else {mig_resource(profile): count * gpus for profile, count in sorted(layout.items())}
        config = self.plugin_for(node_labels)
        if config is None and PLUGIN_CONFIG in node_labels:
            return None
        return {GPU: gpus * (config.replicas.get(GPU, 1) if config is not None else 1)}


@lru_cache(maxsize=4)
def sharing_configs(graph: PlannedGraph) -> SharingConfigs:
    """What the graph's ConfigMaps and Helm releases say."""
    plugin: dict[str, PluginConfig] = {}
    mig: dict[str, Mapping[str, int]] = {}
    default = ""
    for view, data, fallback in _sources(graph):
        default = default or fallback
        for name, text in sorted(data.items()):
            for value in _parsed(text):
                if "mig-configs" in value:
                    mig |= {key: _layout(entries) for key, entries in mapping(value["mig-configs"]).items()}
                elif "sharing" in value or "flags" in value:
                    plugin[name] = _plugin(value, view)
    return SharingConfigs(plugin, default, mig)


def _sources(graph: PlannedGraph) -> Iterator[tuple[ResourceView, Mapping[str, Any], str]]:
    """Texts that may be configs, with the name of the default one."""
    default = next((str(name) for view in graph.objects("ClusterPolicy")
                    if (name := view.get("spec", "devicePlugin", "config", "default"))), "")
    for view in graph.objects("ConfigMap"):
        data = mapping(view.get("data"))
        # Without a ClusterPolicy that names a default, a plugin with a single config uses that one.
        yield view, data, default or (next(iter(data)) if len(data) == 1 else "")
    for view in graph.resources:
        if view.type.startswith("kubernetes:helm.sh/"):
            for keys in (("devicePlugin", "config", "data"), ("migManager", "config", "data"), ("config", "map")):
                values = mapping(view.get("values"))
                data = lookup(values, *keys)
                if isinstance(data, Mapping):
                    yield view, data, str(lookup(values, *keys[:-1], "default") or "") if keys[0] != "migManager" else ""


def _parsed(text: Any) -> list[Mapping[str, Any]]:
    if not isinstance(text, str) or not ("sharing" in text or "mig-configs" in text or "migStrategy" in text):
        return []
    documents, _ = parse_text(text, "config", MANIFEST_LIMITS)
    return [document.value for document in documents if isinstance(document.value, Mapping)]


def _plugin(value: Mapping[str, Any], view: ResourceView) -> PluginConfig:
    for key, strategy in (("timeSlicing", "time-slicing"), ("mps", "mps")):
        replicas = {str(lookup(item, "name")): int(count) for item in items(lookup(value, "sharing", key, "resources"))
                    if isinstance(count := lookup(item, "replicas"), int) and count > 1}
        if replicas:
            return PluginConfig(strategy, replicas, view)
    return PluginConfig("dedicated", {}, view)


def _layout(entries: Any) -> Mapping[str, int]:
    """Devices by profile on each GPU; layouts that treat GPUs differently count the first entry that cuts all."""
    for entry in items(entries):
        if lookup(entry, "mig-enabled") is True:
            cut = mapping(lookup(entry, "mig-devices"))
            return {str(profile): count for profile, count in cut.items() if isinstance(count, int)}
    return {}
