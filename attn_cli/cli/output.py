"""Where what is drawn goes: a terminal, a pipe, a file that is never half-written."""

import errno
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli.errors import AttnError, BadFile, did_you_mean
from attn_cli.views import BINARY, FORMATS, PICTURES, SPECIAL, SUFFIXES, offered, render

if TYPE_CHECKING:
    from collections.abc import Collection

    from attn_cli.views.report import Report

# What a terminal or a pipe that takes only ASCII shows in place of our few other signs.
ASCII = str.maketrans(
    {"→": "->", "×": "x", "−": "-", "…": "~", "─": "-", "≤": "<=", "≥": ">=", "²": "^2", "·": "."}
    | {"✔": "+", "✘": "x", "≠": "!=", "█": "#", "▏": "|", "µ": "u"}
    | dict.fromkeys("▎▍▌▋▊▉", "#")
)


def emit(report: "Report", format: str | None, json: bool, output: str | None) -> None:
    """Draw a report in the format that the options pick, where they say."""
    format = picked_format(format, json, output, offered(report))
    if output is None or output == "-":
        write(render(report, format, terminal_width(), color=wants_color()))
    else:
        write_file(output, render(report, format))


def picked_format(
    format: str | None, json: bool, output: str | None, known: "Collection[str]" = tuple(FORMATS)
) -> str:
    """Return the format that --format, --json and the suffix of -o pick together."""
    if format is None:
        if json:
            return "json"
        suffix = Path(output or "").suffix.lower()
        if not suffix:
            return "table"
        format = SUFFIXES.get(suffix, "")
        if format not in known:
            theirs = ", ".join(each for each, picked in SUFFIXES.items() if picked in known)
            raise AttnError(
                f"the suffix of {output!r} names no format here: "
                f"it is one of {theirs}, or give --format"
            )
    elif format not in known:
        if format in SPECIAL or any(format in drawn for drawn in PICTURES.values()):
            raise AttnError(f"there is no {format} format here ({', '.join(known)})")
        hint = did_you_mean(format, known)
        raise AttnError(f"no format is called {format!r}{hint} ({', '.join(known)})")
    if json and format != "json":
        raise AttnError(f"--json and --format {format} name two formats")
    if format in BINARY and output in (None, "-") and on_terminal():
        raise AttnError(f"a terminal shows no {format}: -o FILE.{format}, or a pipe, takes it")
    return format


def terminal_width() -> int | None:
    """Return the width of the terminal on stdout, or None where there is none."""
    if not on_terminal():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def wants_color() -> bool:
    """Tell whether stdout takes colour (no-color.org, force-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return on_terminal() and os.environ.get("TERM") != "dumb"


def on_terminal() -> bool:
    """Tell whether stdout is a terminal; Python has None for one that is closed."""
    return sys.stdout is not None and sys.stdout.isatty()


def write(text: str | bytes) -> None:
    """Write to stdout. Who reads only the head of it has what they want: that is no error."""
    if sys.stdout is None:
        raise BadFile("cannot write to standard output: it is closed")
    try:
        told = text if isinstance(text, bytes) else _encoded(text, sys.stdout.encoding)
        sys.stdout.buffer.write(told)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is still buffered must not be tried again while Python exits.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise BadFile(f"cannot write to standard output: {error.strerror}") from None


def write_error(line: str, end: str = "\n") -> None:
    """Write a line to stderr, whatever it is."""
    with suppress(OSError, AttributeError):
        sys.stderr.buffer.write(_encoded(f"{line}{end}", sys.stderr.encoding))
        sys.stderr.buffer.flush()


def write_file(name: str, text: str | bytes) -> None:
    """Write beside a file and rename, so that no reader and no full disk sees half of it."""
    if not name:
        raise BadFile("the name of the output file is empty")
    content = text if isinstance(text, bytes) else text.encode()
    try:
        path = Path(os.path.realpath(name))
        if os.path.exists(name) and not os.path.isfile(name):
            Path(name).write_bytes(content)  # a device or a pipe: nothing to rename
            return
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        if mode is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            beside.write_bytes(content)
            if mode is not None:
                beside.chmod(mode)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise BadFile(f"cannot write {name!r}: {error.strerror}") from None
    except ValueError as error:  # a NUL byte
        raise BadFile(f"cannot write {name!r}: {error}") from None


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace")
