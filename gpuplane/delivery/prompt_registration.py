"""Registration of resources in one go, for the offline engine: what Pulumi's SDK does in a dozen tasks for each, in one call.

The program, its components and all resource classes are the same; only what ``pulumi.resource`` calls to register is exchanged, and only
for what runs inside :func:`registering_at_once`. Inputs that are plain, and outputs that are resolved, are read here; any other resource
is left to the SDK, and so are all where the SDK is of a version that nobody has compared (docs/adr/0033).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import version
from operator import attrgetter
from typing import Any

import pulumi
from pulumi import resource as caller
from pulumi.runtime import settings
from pulumi.runtime.resource import register_resource, register_resource_outputs

from gpuplane.delivery.plain_inputs import NotPlain, NotYet, plain
from gpuplane.delivery.registration import Recorder, Registration

CHECKED = frozenset({"3.260.0"})
"""Versions of the SDK whose own registration was compared with this one, by tests/delivery/test_prompt_registration.py."""
_STACK = "pulumi:pulumi:Stack"
_ORDINARY = frozenset({"parent", "depends_on", "protect", "provider", "providers", "version", "deleted_with", "retain_on_delete",
                       "transformations"})
"""Options that are read here, or have no part in it; a resource with any other is the SDK's."""
_others = attrgetter(*sorted(vars(pulumi.ResourceOptions()).keys() - _ORDINARY))


class _Rounds:
    """Registrations of one run.

    They are read when the program has had its say, as the SDK's tasks start only then: a component that others depend on may get more
    children. One that needs something unresolved waits for the next round.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._new: list[Registration] = []
        self._pending: list[Registration] = []
        self._done: asyncio.Future[None] | None = None
        self._awaited: set[asyncio.Future[Any]] = set()
        self._soon = False

    def add(self, registration: Registration) -> None:
        """Register it in the next round."""
        self._new.append(registration)
        if self._done is None:
            self._done = asyncio.Future()
            settings._get_rpc_manager().rpcs.append(self._done)  # the program does not end before
        self._wake()

    def _wake(self, resolved: asyncio.Future[Any] | None = None) -> None:
        if resolved is not None:
            self._awaited.discard(resolved)
        if not self._soon:
            self._soon = True
            loop = asyncio.get_event_loop()
            loop.call_soon(loop.call_soon, self._round)  # the SDK starts a task that starts a task

    def _wait(self, future: asyncio.Future[Any]) -> None:
        if future not in self._awaited:
            self._awaited.add(future)
            future.add_done_callback(self._wake)

    def _round(self) -> None:
        """Register what can be registered by now."""
        self._soon = False
        new, self._new = self._new, []
        self._pending += [registration for registration in new if self._tried(registration, Registration.look)]
        root = settings.get_root_resource()
        if root is not None and not root.urn._data.done():  # everything is below the stack
            self._wait(root.urn._data)
            return
        pending, self._pending = self._pending, []
        for registration in pending:
            self._tried(registration, lambda one: one.record(self._recorder))
        if not self._pending and not self._new and self._done is not None:
            self._done.set_result(None)
            self._done = None

    def _tried(self, registration: Registration, step: Callable[[Registration], None]) -> bool:
        """Whether a step was made; else it is left for the next round, or to the SDK, which says what is wrong with it."""
        try:
            step(registration)
        except NotYet as missing:
            self._pending.append(registration)
            self._wait(missing.future)
        except Exception:
            registration.by_sdk()
        else:
            return True
        return False


_active: ContextVar[_Rounds | None] = ContextVar("_active", default=None)
_installing, _installed = threading.Lock(), 0


@cache
def is_checked() -> bool:
    """Whether this version of the SDK was compared."""
    return version("pulumi") in CHECKED


@contextmanager
def registering_at_once(recorder: Recorder) -> Iterator[None]:
    """What runs inside, in this context, registers at once; whatever else runs in the process, in other threads too, by the SDK as ever."""
    if not is_checked():
        yield
        return
    _install(1)
    token = _active.set(_Rounds(recorder))
    try:
        yield
    finally:
        _active.reset(token)
        _install(-1)


def _install(more: int) -> None:
    global _installed
    with _installing:
        _installed += more
        functions = (_register, _register_outputs) if _installed else (register_resource, register_resource_outputs)
        caller.register_resource, caller.register_resource_outputs = functions  # type: ignore[attr-defined]  # it imports them


def _register(res: pulumi.Resource, ty: str, name: str, custom: bool, remote: bool, new_dependency: Callable[[str], pulumi.Resource],
              props: Mapping[str, Any], opts: pulumi.ResourceOptions | None, typ: type | None = None, package_ref: Any = None) -> None:
    """In the place of ``register_resource``."""
    rounds = _active.get()
    if rounds is None or opts is None or remote or typ is not None or package_ref is not None or ty == _STACK or not (
            _is_usual(opts) and _translates_nothing(type(res))):
        register_resource(res, ty, name, custom, remote, new_dependency, props, opts, typ, package_ref)
    else:
        rounds.add(Registration(res, ty, name, custom, new_dependency, props, opts))


def _register_outputs(res: pulumi.Resource, outputs: Any) -> None:
    """In the place of ``register_resource_outputs``: offline nobody reads what a component says it puts out; only an error in it counts."""
    if _active.get() is None or not _is_plain(outputs):
        register_resource_outputs(res, outputs)


def _is_plain(outputs: Any) -> bool:
    try:
        return type(plain(outputs)) is dict
    except NotPlain:
        return False


def _is_usual(opts: pulumi.ResourceOptions) -> bool:
    return (not any(map(_says_something, _others(opts))) and type(opts.version) in (str, type(None))
            and all(type(value) in (bool, type(None)) for value in (opts.protect, opts.retain_on_delete)))


def _says_something(value: Any) -> bool:
    """Merged options bind no hooks to a resource, and say so at length."""
    return bool(value) and (type(value) is not pulumi.ResourceHookBinding or any(vars(value).values()))


def _translates_nothing(kind: type[pulumi.Resource]) -> bool:
    return (kind.translate_input_property is pulumi.Resource.translate_input_property
            and kind.translate_output_property is pulumi.Resource.translate_output_property)
