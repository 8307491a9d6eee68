"""One resource's registration, read as Pulumi's SDK reads it and kept without a request.

The reference is ``pulumi.runtime.resource``: ``prepare_resource``, ``do_register`` and what the mock monitor does with the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import pulumi
from google.protobuf import struct_pb2
from pulumi._types import resource_types
from pulumi.runtime import rpc, settings
from pulumi.runtime.resource import convert_providers, register_resource
from pulumi.runtime.resource_cycle_breaker import declare_dependency

from gpuplane.delivery.late_output import Data, LateOutput, Source
from gpuplane.delivery.plain_inputs import NotPlain, in_order, marked, plain, resolved, state, text
from gpuplane.graph.resource_view import Unknown


class Recorder(Protocol):
    """What registrations are told to."""

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN of a resource."""

    def record(self, urn: str, type_: str, name: str, props: dict[str, Any], parent: str, *, custom: bool, protect: bool,
               dependencies: Iterable[str]) -> None:
        """Keep one resource."""


class Registration(Source):
    """A resource that is to be registered; from now on it has outputs, as one that the SDK registers."""

    __slots__ = ("_explicit", "_keys", "_outputs", "custom", "name", "new_dependency", "opts", "props", "res", "ty")

    def __init__(self, res: pulumi.Resource, ty: str, name: str, custom: bool, new_dependency: Callable[[str], pulumi.Resource],
                 props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__()
        self.res, self.ty, self.name, self.custom, self.props, self.opts = res, ty, name, custom, props, opts
        self.new_dependency = new_dependency
        self._explicit: list[pulumi.Resource] = []
        self._outputs: dict[str, Data] | None = None
        self._keys = [key for key in props if key != "urn" and not (key == "id" and custom)]
        res.__dict__.update({key: self.output(key) for key in self._all_keys()})

    def _all_keys(self) -> Iterable[str]:
        return ("urn", "id", *self._keys) if self.custom else ("urn", *self._keys)

    def by_sdk(self) -> None:
        """Have the SDK register it after all; the outputs that the program already holds are then the SDK's."""
        own = self.res.__dict__
        had = {key: own[key] for key in self._all_keys() if key in own}  # a component may have put another in the place of one
        register_resource(self.res, self.ty, self.name, self.custom, False, self.new_dependency, self.props, self.opts)
        self.hand_over({key: own[key] for key in self._all_keys()})
        own.update(had)

    def look(self) -> None:
        """Find out whom it waits for; a component has the children that it has by now.

        Raises:
            NotPlain: only the SDK can tell.
        """
        self._explicit = expanded(_named(self.opts), self.res)

    def record(self, recorder: Recorder) -> None:
        """Tell the recorder, and resolve the outputs.

        Raises:
            NotYet: something it needs is not resolved.
            NotPlain, Exception: only the SDK can register it, or say what is wrong with it; nothing is recorded.
        """
        opts = self.opts
        dependencies = _urns(self._explicit)
        parent = _parent_urn(opts)
        urn = recorder.make_urn(parent, text(self.ty), text(self.name))
        props = self._inputs(urn, dependencies)
        for provider in _providers(opts, self.custom):
            urn_of(provider)
            state(provider.id)
        if opts.deleted_with is not None:
            urn_of(opts.deleted_with)
        if not _typed(type(self.res)).isdisjoint(props):
            self._outputs = self._sdk_outputs(props)  # a value of another type than the class says is an error
        self.props = props
        recorder.record(urn, self.ty, self.name, props, parent, custom=self.custom, protect=bool(opts.protect), dependencies=dependencies)
        self.resolve(urn, self._output)

    def _inputs(self, urn: str, dependencies: set[str]) -> dict[str, Any]:
        """Inputs by name, sorted, without those that are None; where they come from is added to the dependencies."""
        found: dict[str, Any] = {}
        for key in map(text, in_order(self.props)):
            try:
                value = plain(self.props[key])
            except NotPlain:
                value = self._from_outputs(key, urn, dependencies)
            if value is not None:
                found[key] = value
        if rpc._special_sig_key in found:
            raise NotPlain
        return found

    def _from_outputs(self, key: str, urn: str, dependencies: set[str]) -> Any:
        needs: set[pulumi.Resource] = set()
        value = resolved(self.props[key], needs)
        if value is None:
            return None
        urns = _urns(expanded(needs, self.res))
        dependencies |= urns
        origin = min(urns, default=urn)
        return marked(value, key, lambda path: Unknown(origin, path))

    def _output(self, key: str) -> Data:
        if key == "urn":
            return Data({self.res}, self.urn, True, False)
        if key == "id" and self.custom:
            return Data({self.res}, "", False, False)
        if self._outputs is None:
            self._outputs = self._sdk_outputs(self.props)
        return self._outputs[key]

    def _sdk_outputs(self, props: Mapping[str, Any]) -> dict[str, Data]:
        """What the SDK makes of the inputs as outputs."""
        sent, found = struct_pb2.Struct(), dict[str, Data]()
        sent.update(_sent(props))

        def resolver(key: str) -> rpc.Resolver:
            def resolve(value: Any, known: bool, secret: bool, deps: set[pulumi.Resource] | None, _: Exception | None = None) -> None:
                found[key] = Data({self.res, *(deps or ())}, value, known, secret)
            return resolve

        rpc.resolve_outputs(self.res, sent, sent, {}, {key: resolver(key) for key in self._keys}, self.custom, False, True)
        return found


_types: dict[type, frozenset[str]] = {}


def _typed(kind: type[pulumi.Resource]) -> frozenset[str]:
    """Outputs of a class that the SDK holds against a type."""
    if kind not in _types:
        _types[kind] = frozenset(resource_types(kind))
    return _types[kind]


def _named(opts: pulumi.ResourceOptions) -> Iterable[pulumi.Resource]:
    """What ``depends_on`` names."""
    if opts.depends_on is None:
        return ()
    named = opts._depends_on_list()
    if type(named) is not list:
        raise NotPlain
    found = [one for one in named if isinstance(one, pulumi.Resource)]
    if len(found) < len(named):
        raise NotPlain
    return found


def expanded(resources: Iterable[pulumi.Resource], of: pulumi.Resource) -> list[pulumi.Resource]:
    """The resources that one depends on; in a component's place stands what is below it.

    Raises:
        NotPlain: one of them depends on it.
    """
    left, real = list(resources), list[pulumi.Resource]()
    for one in left:  # which grows
        if not declare_dependency(of, one):
            raise NotPlain
        if isinstance(one, pulumi.ComponentResource) and not one._remote:
            left += one._childResources
        else:
            real.append(one)
    return real


def _urns(resources: Iterable[pulumi.Resource]) -> set[str]:
    return {urn for urn in map(urn_of, resources) if urn}


def _parent_urn(opts: pulumi.ResourceOptions) -> str:
    parent = opts.parent if opts.parent is not None else settings.get_root_resource()
    return urn_of(parent) if parent is not None else ""


def _providers(opts: pulumi.ResourceOptions, custom: bool) -> Iterable[pulumi.ProviderResource]:
    if not custom:
        return convert_providers(opts.provider, opts.providers).values()
    return () if opts.provider is None else (opts.provider,)


def urn_of(resource: pulumi.Resource) -> str:
    """Its URN.

    Raises:
        NotYet, NotPlain: it is not registered so far, or will not be.
    """
    output = resource.urn
    if type(output) is LateOutput and output._source.urn:
        return output._source.urn
    urn = state(output).value
    return urn if isinstance(urn, str) else ""


def _sent(value: Any) -> Any:
    """Inputs as they would go to the engine."""
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _sent(item) for key, item in value.items()}
    return [_sent(item) for item in value] if isinstance(value, list) else value
