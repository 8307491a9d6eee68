"""A real browser without a window, spoken to over a pipe (Chrome DevTools Protocol): no driver, no port, no network."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe")


def found_browser() -> str:
    """Path of a browser; where there is none the test is skipped, and fails with ``CI=true``."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no browser on PATH: chromium or google-chrome")
    assert path is not None
    return path


class Page:
    """One open page.

    Attributes:
        requests: addresses that it asked for, its own file left out.
        complaints: what stood in the console: errors, warnings, broken policies, exceptions.
    """

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive, self._left, self._number, self._session = send, receive, b"", 0, ""
        self._events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def open(self, file: Path, width: int, height: int = 900, scheme: str = "light") -> None:
        """Open a file in a window of that size, in a light or dark scheme."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 700)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.requests.clear()
        self.complaints.clear()
        self.call("Page.navigate", url=file.as_uri())
        self._until("Page.loadEventFired")
        self.requests = [url for url in self.requests if url != file.as_uri()]

    def evaluate(self, expression: str) -> Any:
        """The JSON value of an expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, code: int = 0) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, file: Path) -> None:
        """The whole page as PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12_000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        file.write_bytes(base64.b64decode(data))

    def call(self, method: str, **parameters: Any) -> Any:
        """The answer to a command of the protocol."""
        self._number += 1
        number = self._number
        session = {"sessionId": self._session} if self._session and not method.startswith(("Target.", "Browser.")) else {}
        os.write(self._send, json.dumps({"id": number, "method": method, "params": parameters, **session}).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, (method, message)
                return message["result"]
            self._events.append(message)

    def _until(self, event: str) -> None:
        while all(each.get("method") != event for each in self._events):
            self._events.append(self._next())
        self._events.clear()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            data = os.read(self._receive, 1 << 20)
            assert data, "the browser ended"
            self._left += data
        text, _, self._left = self._left.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, method: str, said: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(said)[:300])


@contextmanager
def browser() -> Iterator[Page]:
    """A browser with a fresh profile, ended when the context is left."""
    path = found_browser()
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def pipes() -> None:
        os.dup2(to_read, 3)
        os.dup2(from_write, 4)

    # The ends have to be none of 3 and 4 themselves, for those are made anew in the child.
    to_read, from_write = (os.dup2(end, number) for end, number in ((to_read, 203), (from_write, 204)))
    with tempfile.TemporaryDirectory(prefix="gpuplane-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen([path, *_FLAGS, f"--user-data-dir={profile}"], preexec_fn=pipes, close_fds=False,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (to_read, from_write):
            os.close(end)
        try:
            yield Page(to_write, from_read)
        finally:
            process.kill()
            process.wait()
            os.close(to_write)
            os.close(from_read)
