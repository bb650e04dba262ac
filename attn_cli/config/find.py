"""Where the configuration stands: attn.toml, or [tool.attn] in pyproject.toml, found upwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from attn_cli.config.toml import Lines, lines_of, parse_toml
from attn_cli.errors import BadFile

NAME = "attn.toml"
PYPROJECT = "pyproject.toml"
MAX_BYTES = 1 << 20  # a device has no end


class Source(NamedTuple):
    """A configuration as it was read: its path as seen from here, its content, where what stands.

    `table` is the name of the table that holds it all, in front of its keys; `checks` are the lines
    of each check.
    """

    path: str
    content: dict[str, Any]
    lines: Lines
    checks: list[Lines]
    table: str = ""

    @property
    def folder(self) -> str:
        """The folder that paths in it are relative to."""
        return os.path.dirname(self.path)


def find_config(given: str | None = None) -> Source:
    """Return the configuration that is given, or the nearest one from the working directory up.

    Raises BadFile where there is none, or it cannot be read.
    """
    if given is not None:
        found = _read(given)
        if found is None:
            raise BadFile(f"{given} has no [tool.attn]")
        return found
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in (NAME, PYPROJECT):
            path = folder / name
            found = _read(os.path.relpath(path)) if path.is_file() else None
            if found is not None:
                return found
    raise BadFile(
        f"there is no {NAME}, and no [tool.attn] in a {PYPROJECT}, here or in a folder above; "
        f"attn check --init SPEC --shape H,W,C writes one"
    )


def _read(path: str) -> Source | None:
    """Return what a file says; None for a pyproject.toml that says nothing to us."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadFile(f"cannot read {path!r}: {error.strerror}") from None
    except ValueError as error:  # a NUL byte
        raise BadFile(f"cannot read {path!r}: {error}") from None
    if len(data) > MAX_BYTES:
        raise BadFile(f"{path!r} is longer than {MAX_BYTES:,} bytes: no configuration is")
    in_pyproject = os.path.basename(path) == PYPROJECT
    if in_pyproject and b"attn" not in data:
        return None
    content = parse_toml(data, path)
    table = ""
    if in_pyproject:
        table = "tool.attn"
        for key in table.split("."):
            content = content.get(key, {}) if isinstance(content, dict) else {}
        if not isinstance(content, dict):
            raise BadFile(f"{path}: [tool.attn] is a table, not {type(content).__name__}")
        if not content:
            return None
    lines, checks = lines_of(data.decode("utf-8-sig"), table, "check")
    return Source(path, content, lines, checks, table)
