"""A real browser without a window, where the machine has one: what it makes of a page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# None comes in a package that pip installs, and no test installs one.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--virtual-time-budget=5000"),
)


def asked(page: str, question: str, folder: Path) -> Any:
    """Return what a browser answers to a question, an expression of JavaScript, about a page."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser on the path: {', '.join(BROWSERS)}")
    answer = f"<script>document.title = JSON.stringify({question})</script>"
    file = folder / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><title></title>{page}{answer}", "utf-8")
    done = subprocess.run(
        [found, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    told = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert told is not None
    return json.loads(unescape(told[1]))
