"""What Pulumi is doing right now, on stderr: one line a finished step in CI, a moving line on a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pulumi.automation import EngineEvent
    from rich.console import Console

_STACK = "pulumi:pulumi:Stack"
_DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced", "create-replacement": "replaced",
         "delete-replaced": "deleted the old", "import": "imported", "refresh": "refreshed", "read": "read"}
_SIGNS = {"create": "[green]+[/]", "update": "[yellow]~[/]", "import": "[green]=[/]", "delete": "[red]-[/]", "replace": "[magenta]±[/]",
          "create-replacement": "[magenta]±[/]", "delete-replaced": "[red]-[/]"}


class LiveProgress:
    """Follows engine events of one layer.

    Attributes:
        steps: finished steps by operation.
        real_steps: the same without the stack itself, components and providers.
        errors: diagnostics of severity error, in order.
        said: the same by URN, of those that are about one resource.
        failed: what Pulumi says of each step that failed, by URN.
        begun: the same of each step that has neither failed nor ended.
        made: the same of each create that ended well.
        changed: URN of each resource that a step changed (or would change), with its operation and differing properties.
    """

    def __init__(self, console: Console, title: str, *, dry: bool = False, among: str = "", quiet: bool = False) -> None:
        """What to show.

        Args:
            console: stderr.
            title: what is being done.
            dry: nothing is done, so no step is said to be done.
            among: name of the stack where others run beside it: it stands before each line, and no line moves.
            quiet: show nothing but what fails.
        """
        self._console, self._title, self._dry, self._among, self._quiet = console, title, dry, among, quiet
        self.steps: Counter[str] = Counter()
        self.real_steps: Counter[str] = Counter()
        self.errors: list[str] = []
        self.said: dict[str, list[str]] = {}
        self.failed: dict[str, Any] = {}
        self.begun: dict[str, Any] = {}
        self.made: dict[str, Any] = {}
        self.changed: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._status: Any = None

    def __enter__(self) -> LiveProgress:
        if self._quiet:
            return self
        if self._console.is_terminal and not self._among:
            self._status = self._console.status(self._title)
            self._status.start()
        else:
            self._console.print(self._title)
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def on_event(self, event: EngineEvent) -> None:
        """Take one engine event."""
        if event.resource_pre_event is not None:
            metadata = event.resource_pre_event.metadata
            if str(metadata.op.value) != "same" and self._status is not None:
                self._status.update(f"{self._title}: {short(metadata.urn)} ({sum(self.steps.values())} done)")
            self._note(metadata)
            self.begun[metadata.urn] = metadata
        elif event.res_outputs_event is not None:
            self.begun.pop(event.res_outputs_event.metadata.urn, None)
            self._finished(event.res_outputs_event.metadata)
        elif event.res_op_failed_event is not None:
            self.begun.pop(event.res_op_failed_event.metadata.urn, None)
            self.failed[event.res_op_failed_event.metadata.urn] = event.res_op_failed_event.metadata
            self._console.print(f"  {self._before}[red]✗[/] {short(event.res_op_failed_event.metadata.urn)}")
        elif event.diagnostic_event is not None and event.diagnostic_event.severity == "error":
            self._complain(event.diagnostic_event)

    def _complain(self, diagnostic: Any) -> None:
        from rich.text import Text

        message = Text.from_ansi(diagnostic.message).plain.strip()
        message = message.replace("<{%reset%}>", "").replace("<{%fg 1%}>", "").strip()
        if message and diagnostic.urn:
            self.said.setdefault(diagnostic.urn, []).append(message)
        if message and message not in self.errors:
            self.errors.append(message)

    @property
    def _before(self) -> str:
        return f"{self._among}: " if self._among else ""

    def _note(self, metadata: Any) -> None:
        if metadata.op.value not in ("same", "refresh", "read") and metadata.type != _STACK:
            differing = sorted({*(metadata.diffs or ()), *(metadata.detailed_diff or {})})
            self.changed[metadata.urn] = (metadata.op.value, tuple(differing))

    def _finished(self, metadata: Any) -> None:
        operation = str(metadata.op.value)
        if operation in ("create", "create-replacement"):
            self.made[metadata.urn] = metadata
        self._note(metadata)  # a refresh knows only afterwards that something differs
        self.steps[operation] += 1
        if not metadata.type.startswith(("pulumi:", "gpuplane:")):
            self.real_steps[operation] += 1
        if operation in _SIGNS and not self._dry and not self._quiet and metadata.type != _STACK:
            self._console.print(f"  {self._before}{_SIGNS[operation]} {short(metadata.urn)} {_DONE[operation]}")


def short(urn: str) -> str:
    """``Kind name`` of a URN."""
    parts = urn.split("::")
    kind = parts[2].rpartition("$")[2].rpartition(":")[2] if len(parts) > 3 else ""
    return f"{kind} {parts[-1]}".strip()
