"""The offline engine: the Pulumi program run in process under Pulumi's own mock monitor.

No CLI, no cluster, no credentials, no network. Nothing is invented: a resource's outputs are the inputs it
was registered with, everything else stays unknown, as in a preview of resources that do not exist yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.runtime import Mocks, set_mocks
from pulumi.runtime import resource as registration
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2, source_pb2
from pulumi.runtime.rpc import UNKNOWN, _special_sig_key
from pulumi.runtime.settings import SETTINGS, get_project, get_stack, set_root_resource
from pulumi.runtime.stack import run_pulumi_func

from gpuplane.delivery.prompt_registration import registering_at_once
from gpuplane.delivery.redaction import REDACTED
from gpuplane.delivery.renderable import require_renderable
from gpuplane.delivery.stack_views import each_once, together
from gpuplane.delivery.tenant_renders import Render, TenantRenders
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey
from gpuplane.spec.own import NotOwnError
from gpuplane.stacks.program import PROJECT, register, register_tenant

_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 a marker, no secret
"""Signature of a secret in Pulumi's wire format (``pulumi.runtime.rpc``)."""
_STACK = "pulumi:pulumi:Stack"


def render(spec: EnvironmentSpec, planned: EnvironmentPlan, progress: Callable[[str], None] = lambda _: None,
           renders: TenantRenders | None = None) -> tuple[ResourceView, ...]:
    """Every resource that the environment's layers would register, by layer and URN.

    Args:
        spec, planned: the wish and its plan.
        progress: called with a line for each layer.
        renders: tenants that were rendered before; all are rendered where it is left out.
    """
    return together(spec, render_stacks(spec, planned, progress, renders).values())


def render_stacks(spec: EnvironmentSpec, planned: EnvironmentPlan, progress: Callable[[str], None] = lambda _: None,
                  renders: TenantRenders | None = None) -> dict[StackKey, tuple[ResourceView, ...]]:
    """The same by stack. All stacks of a layer have the layer's name in their URNs: how it is cut changes nothing of what there is."""
    found: dict[StackKey, tuple[ResourceView, ...]] = {}
    for layer in spec.layers:
        progress(f"rendering layer {layer}")
        shared = _shared(spec, planned, renders) if renders is not None and layer == "tenants" and spec.tenants else None
        found |= render_layer(spec, planned, layer) if shared is None else {
            key: each_once(shared[name] for name in ([key.tenant] if key.tenant else spec.tenants)) for key in spec.stacks_of(layer)}
    return found


def render_layer(spec: EnvironmentSpec, planned: EnvironmentPlan, layer: str) -> dict[StackKey, tuple[ResourceView, ...]]:
    """Every resource of one layer, by stack; all have the layer's name in their URNs."""
    return {key: render_stack(spec, planned, key, spec.stack_name(layer)) for key in spec.stacks_of(layer)}


def render_stack(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, name: str = "") -> tuple[ResourceView, ...]:
    """Every resource that one stack would register, by URN.

    Args:
        spec, planned: the wish and its plan.
        key: what the stack holds.
        name: of the stack, as it stands in URNs; left out, its own.

    Raises:
        InvalidSpec: the stack holds an operator that cannot be released as it is written.
    """
    if key.layer == "platform":
        require_renderable(spec)
    found = _registered(lambda: register(spec, planned, key.layer, key.tenant), key.layer, name or spec.stack_name(key.layer, key.tenant))
    return tuple(sorted(found, key=lambda view: view.urn))  # registrations run side by side


def _shared(spec: EnvironmentSpec, planned: EnvironmentPlan, renders: TenantRenders) -> Mapping[str, tuple[ResourceView, ...]] | None:
    """What the layer of tenants holds of each, rendered by itself where it is not there; None where that cannot be."""
    try:
        return renders.views(spec, planned, tenant_renderer(spec))
    except (NotOwnError, OSError):
        return None


def tenant_renderer(spec: EnvironmentSpec) -> Render:
    """What renders one tenant of an environment, from what is its own."""
    stack = spec.stack_name("tenants")

    def one(own: EnvironmentSpec, its_plan: EnvironmentPlan, tenant: str) -> tuple[ResourceView, ...]:
        return _registered(lambda: register_tenant(own, its_plan, tenant), "tenants", stack)

    return one


def _registered(program: Callable[[], None], layer: str, stack: str) -> tuple[ResourceView, ...]:
    monitor = RecordingMonitor(layer)
    run_program(program, monitor, stack)
    return tuple(monitor.views)


def run_program(program: Callable[[], None], monitor: MockMonitor, stack: str, *, by_sdk: bool = False) -> None:
    """Run a Pulumi program against a mock monitor, to its end, as a preview.

    Args:
        program: registers resources.
        monitor: answers, and keeps what it wants to.
        stack: name of the stack.
        by_sdk: whether resources are registered by Pulumi's own registration, as in ``pulumi up``; the same comes out, later.
    """
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.set_default_executor(_AtOnce())
        set_root_resource(None)  # type: ignore[arg-type]  # set_mocks makes a root stack of its own, on this loop
        with _without_stack_traces(), nullcontext() if by_sdk else _at_once(monitor):
            SETTINGS.outputs.clear()  # of a program that failed on another loop
            set_mocks(_NoMocks(), project=PROJECT, stack=stack, preview=True, monitor=monitor)
            loop.run_until_complete(run_pulumi_func(program))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _at_once(monitor: MockMonitor) -> AbstractContextManager[None]:
    """What a monitor records can be registered at once, if it answers registrations as :class:`RecordingMonitor` does."""
    answers = isinstance(monitor, RecordingMonitor) and all(
        getattr(type(monitor), name) is getattr(RecordingMonitor, name) for name in ("RegisterResource", "RegisterResourceOutputs"))
    return registering_at_once(monitor) if answers and isinstance(monitor, RecordingMonitor) else nullcontext()


class _AtOnce(ThreadPoolExecutor):
    """Runs a call where it is made: the monitor answers at once, and a thread for each question takes longer than the answer."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """The answer, or the error, as a future that is done."""
        found: Future[Any] = Future()
        try:
            found.set_result(call(*args, **kwargs))
        except Exception as error:
            found.set_exception(error)
        return found


@contextmanager
def _without_stack_traces() -> Iterator[None]:
    """Pulumi notes where in the program each resource was made; here nobody reads it, and of thousands it takes a third of the time."""
    former = getattr(registration, "_get_stack_trace", None)
    if former is None:
        yield
        return
    registration._get_stack_trace = _no_trace
    try:
        yield
    finally:
        registration._get_stack_trace = former


def _no_trace() -> source_pb2.StackTrace:
    """A trace of nothing."""
    return source_pb2.StackTrace()


class _NoMocks(Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"the recording monitor answers itself: {args.typ}")

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise RuntimeError(f"{args.token} needs a cloud: an offline preview makes no calls")


class RecordingMonitor(MockMonitor):
    """Keeps each whole register request as a :class:`ResourceView`; answers with the inputs, so nothing is made up."""

    def __init__(self, layer: str = "") -> None:
        super().__init__(_NoMocks())
        self.layer = layer
        self.views: list[ResourceView] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN that the real engine gives: with all component types above, without the stack's."""
        above = parent.split("::")[2] if parent else _STACK
        qualified = type_ if above == _STACK else f"{above}${type_}"
        return "::".join((f"urn:pulumi:{get_stack()}", get_project(), qualified, name))

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the RPC
        """Record a resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type != _STACK:
            self.record(urn, request.type, request.name, _inputs(request, urn), request.parent, custom=bool(request.custom),
                        protect=bool(request.protect), dependencies=request.dependencies)
        return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)

    def record(self, urn: str, type_: str, name: str, props: dict[str, Any], parent: str, *, custom: bool, protect: bool,
               dependencies: Iterable[str]) -> None:
        """Keep a resource as a view."""
        api_version = props.get("apiVersion", "") if custom and type_.startswith("kubernetes:") else ""
        if type_.startswith(("kubernetes:helm.sh", "pulumi:")):
            api_version = ""
        self.views.append(ResourceView(
            urn=urn, type=type_, api_version=api_version, kind=props.get("kind", "") if api_version else type_.rpartition(":")[2],
            layer=self.layer, props=props, parent="" if f"::{_STACK}::" in parent else parent,
            namespace=(lookup(props, "metadata", "namespace") or "") if api_version else "",
            name=(lookup(props, "metadata", "name") or "") if api_version else name,
            custom=custom, protect=protect, dependencies=tuple(sorted(dependencies))))

    def ReadResource(self, request: Any) -> Any:  # noqa: N802 the name of the RPC
        """A resource of another stack (a stack reference): all that is known is its name."""
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=_struct({"name": request.name, "outputs": UNKNOWN}))


def _struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    result = struct_pb2.Struct()
    result.update(value)
    return result


def _inputs(request: Any, urn: str) -> dict[str, Any]:
    origins = {key: sorted(found.urns) for key, found in request.propertyDependencies.items()}
    return {key: _plain(value, _Origin(origins.get(key) or [urn], key)) for key, value in sorted(request.object.fields.items())}


class _Origin:
    def __init__(self, urns: list[str], path: str) -> None:
        self.urns, self.path = urns, path

    def unknown(self) -> Unknown:
        return Unknown(self.urns[0], self.path)

    def below(self, step: str) -> _Origin:
        return _Origin(self.urns, f"{self.path}.{step}")


def _plain(value: struct_pb2.Value, origin: _Origin) -> Any:
    """A protobuf value as plain data: whole numbers as int, unknowns as :class:`Unknown`, secrets redacted."""
    match value.WhichOneof("kind"):
        case "string_value":
            return origin.unknown() if value.string_value == UNKNOWN else value.string_value
        case "number_value":
            return int(value.number_value) if value.number_value.is_integer() else value.number_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(item, origin.below(str(index))) for index, item in enumerate(value.list_value.values)]
        case "struct_value":
            return _mapping(value.struct_value, origin)
    return None


def _mapping(struct: struct_pb2.Struct, origin: _Origin) -> Any:
    if _special_sig_key in struct.fields:
        return REDACTED if struct.fields[_special_sig_key].string_value == _SECRET_SIGNATURE else origin.unknown()
    return {key: _plain(item, origin.below(key)) for key, item in sorted(struct.fields.items())}
