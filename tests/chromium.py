"""A headless Chromium for tests, spoken to over a pipe in its own protocol: nothing to install."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
SECONDS = 60
# Why a test that needs one is skipped.
MISSING = "no Chromium on the path (apt-get install chromium)"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


class Browser:
    """A page in a browser of its own; close it."""

    def __init__(self, profile: Path) -> None:
        assert PROGRAM is not None
        theirs, self.to = os.pipe()
        self.back, their_end = os.pipe()
        # It reads its orders from 3 and answers on 4.
        command = f'exec "$0" "$@" 3<&{theirs} 4>&{their_end}'
        flags = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}")
        self.process = subprocess.Popen(
            ["bash", "-c", command, PROGRAM, *flags],
            pass_fds=(theirs, their_end),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(their_end)
        self.count = 0
        self.buffer = b""
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Give an order, and return what it yields."""
        self.count += 1
        order = {"id": self.count, "method": method, "params": params}
        if self.session is not None:
            order["sessionId"] = self.session
        os.write(self.to, json.dumps(order).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self.count:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self.events.append(message)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.back], [], [], SECONDS)
            assert ready, f"the browser has said nothing for {SECONDS} seconds"
            read = os.read(self.back, 1 << 16)
            assert read, "the browser has gone"
            self.buffer += read
        message, _, self.buffer = self.buffer.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def show(self, path: Path, width: int = 1200, *, dark: bool = False, media: str = "") -> None:
        """Load a file, and wait until it is there."""
        self.events.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script: str) -> Any:
        """Return what an expression of JavaScript yields."""
        told = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def happened(self, method: str) -> list[dict[str, Any]]:
        """Return what the browser has told of since the page was loaded."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def close(self) -> None:
        """End the browser."""
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
