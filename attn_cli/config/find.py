"""Where the configuration stands: attn.toml, or [tool.attn] in pyproject.toml, found upwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from attn_cli.config.toml import Lines, lines_of, parse_toml, text_of
from attn_cli.config.trust import Home
from attn_cli.errors import BadFile
from attn_cli.files import open_file

NAME = "attn.toml"
PYPROJECT = "pyproject.toml"
MAX_BYTES = 1 << 20


class Source(NamedTuple):
    """A configuration as it was read: where it stands, its content, and where in it what stands.

    `table` is the name of the table that holds it all, in front of its keys; `checks` are the lines
    of each check.
    """

    home: Home
    content: dict[str, Any]
    lines: Lines
    checks: list[Lines]
    table: str = ""

    @property
    def path(self) -> str:
        """Its path as seen from here."""
        return self.home.path


def find_config(given: str | None = None) -> Source:
    """Return the configuration that is given, or the nearest one from the working directory up.

    Raises BadFile where there is none, or it cannot be read.
    """
    if given is not None:
        found = _read(Home(given))
        if found is None:
            raise BadFile(f"{given} has no [tool.attn]")
        return found
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in (NAME, PYPROJECT):
            path = folder / name
            home = Home(os.path.relpath(path), asked=False)
            found = _read(home) if path.is_file() else None
            if found is not None:
                return found
    raise BadFile(
        f"there is no {NAME}, and no [tool.attn] in a {PYPROJECT}, here or in a folder above; "
        f"attn check --init SPEC --shape H,W,C writes one"
    )


def _read(home: Home) -> Source | None:
    """Return what a file says; None for a pyproject.toml that says nothing to us."""
    path = home.path
    try:
        with open_file(path, empty=True) as file:
            data = file.read(0, min(file.size, MAX_BYTES + 1))
    except BadFile as error:
        raise BadFile(f"cannot read {path!r}: {error}") from None
    if len(data) > MAX_BYTES:
        raise BadFile(f"{path!r} is longer than {MAX_BYTES:,} bytes: no configuration is")
    in_pyproject = os.path.basename(path) == PYPROJECT
    if in_pyproject and b"attn" not in data:
        return None
    text = text_of(data, path)
    content = parse_toml(text, path)
    table = ""
    if in_pyproject:
        table = "tool.attn"
        for key in table.split("."):
            content = content.get(key, {}) if isinstance(content, dict) else {}
        if not isinstance(content, dict):
            raise BadFile(f"{path}: [tool.attn] is a table, not {type(content).__name__}")
        if not content:
            return None
    lines, checks = lines_of(text, table, "check")
    return Source(home, content, lines, checks, table)
