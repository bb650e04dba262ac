"""Where text goes: a terminal, a pipe, a file that is never half-written."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli.errors import AttnError, BadFile, did_you_mean
from attn_cli.views import FORMATS, SUFFIXES, render

if TYPE_CHECKING:
    from attn_cli.views.report import Report

# What a terminal or a pipe that takes only ASCII shows in place of our few other signs.
ASCII = str.maketrans(
    {"→": "->", "×": "x", "−": "-", "…": "~", "─": "-", "≤": "<=", "≥": ">=", "²": "^2", "·": "."}
    | {"✔": "+", "✘": "x", "█": "#", "▏": "|"}
    | dict.fromkeys("▎▍▌▋▊▉", "#")
)


def emit(report: "Report", format: str | None, json: bool, output: str | None) -> None:
    """Draw a report in the format that the options pick, where they say."""
    format = picked_format(format, json, output)
    if output is None or output == "-":
        write(render(report, format, terminal_width(), color=wants_color()))
    else:
        write_file(Path(output), render(report, format))


def picked_format(format: str | None, json: bool, output: str | None) -> str:
    """Return the format that --format, --json and the suffix of -o pick together."""
    if format is None:
        if json:
            return "json"
        suffix = Path(output or "").suffix.lower()
        if suffix and suffix not in SUFFIXES:
            known = ", ".join(SUFFIXES)
            raise AttnError(
                f"the suffix of {output!r} names no format: it is one of {known}, or give --format"
            )
        return SUFFIXES.get(suffix, "table")
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS)
        raise AttnError(f"no format is called {format!r}{hint} ({', '.join(FORMATS)})")
    if json and format != "json":
        raise AttnError(f"--json and --format {format} name two formats")
    return format


def terminal_width() -> int | None:
    """Return the width of the terminal on stdout, or None where there is none."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def wants_color() -> bool:
    """Tell whether stdout takes colour (no-color.org, force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def write(text: str) -> None:
    """Write to stdout. Who reads only the head of it has what they want: that is no error."""
    try:
        sys.stdout.buffer.write(_encoded(text, sys.stdout.encoding))
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is still buffered must not be tried again while Python exits.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise BadFile(f"cannot write to standard output: {error.strerror}") from None


def write_error(line: str) -> None:
    """Write a line to stderr, whatever it is."""
    with suppress(OSError, AttributeError):
        sys.stderr.buffer.write(_encoded(f"{line}\n", sys.stderr.encoding))
        sys.stderr.buffer.flush()


def write_file(path: Path, text: str) -> None:
    """Write beside a file and rename, so that no reader and no full disk sees half of it."""
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            target.write_text(text, encoding="utf-8")  # a device or a pipe: nothing to rename
            return
        beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(f"cannot write {str(path)!r}: {error.strerror}") from None


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace")
