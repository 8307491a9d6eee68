"""Resources and components of every sort, and what a program sees of their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

Options = pulumi.ResourceOptions


class Seen:
    """What a program sees of outputs."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, name: str, output: pulumi.Output[Any]) -> None:
        """Keep what an output comes to."""
        async def kept() -> None:
            data = await output._data
            urns = sorted([str(await each.urn.future()) for each in data.resources])
            shown = "unknown" if "Unknown object" in repr(data.value) else repr(_in_order(data.value))
            self.told.append(f"{name}: {shown} {data.is_known} {data.is_secret} {urns}")

        pulumi.Output.from_input(kept())


def _in_order(value: Any) -> Any:
    """The same with keys sorted: protobuf has them in any order."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


class Thing(pulumi.CustomResource):
    """A resource with any inputs."""

    def __init__(self, name: str, props: Mapping[str, Any] | None = None, opts: Options | None = None) -> None:
        super().__init__("test:index:Thing", name, props, opts)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class Group(pulumi.ComponentResource):
    """A component."""

    def __init__(self, name: str, props: Mapping[str, Any] | None = None, opts: Options | None = None, *, outputs: Any = None) -> None:
        super().__init__("test:index:Group", name, props, opts)
        self.child = Thing(f"{name}-child", {"name": name}, Options(parent=self))
        self.register_outputs({} if outputs is None else outputs)


class Provider(pulumi.ProviderResource):
    """A provider of things."""

    def __init__(self, name: str, props: Mapping[str, Any] | None = None, opts: Options | None = None) -> None:
        super().__init__("test", name, props, opts)


class Typed(pulumi.CustomResource):
    """A resource whose outputs have types."""

    size: pulumi.Output[int]
    text: pulumi.Output[str]
    parts: pulumi.Output[Mapping[str, int]]

    def __init__(self, name: str, props: Mapping[str, Any]) -> None:
        super().__init__("test:index:Typed", name, props)


class Translated(pulumi.CustomResource):
    """A resource whose inputs go under other names."""

    def translate_input_property(self, prop: str) -> str:
        return prop.upper()

    def translate_output_property(self, prop: str) -> str:
        return prop.lower()


class Renamed(pulumi.ComponentResource):
    """A component that puts something else in the place of an output."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__("test:index:Renamed", name, {"value": value, "other": 1})
        self.value = "mine"
        self.register_outputs({"value": self.value})
