"""Where text goes: a terminal, a pipe, a file."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from attn_cli import stdout
from attn_cli.errors import AttnError, BadFile, did_you_mean
from attn_cli.text import escaped, escaped_lines
from attn_cli.views import BINARY, FORMATS, PICTURES, SPECIAL, SUFFIXES, offered, render

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import TextIO

    from attn_cli.views.report import Report

# What a terminal or a pipe that takes only ASCII shows in place of our few other signs.
ASCII = str.maketrans(
    {
        "→": "->",
        "×": "x",
        "−": "-",
        "…": "~",
        "─": "-",
        "≤": "<=",
        "≥": ">=",
        "²": "^2",
        "·": ".",
        "≈": "~",
    }
    | {"✔": "+", "✘": "x", "≠": "!=", "█": "#", "▏": "|", "µ": "u"}
    | dict.fromkeys("▎▍▌▋▊▉", "#")
)


# How lines on stderr begin, and the colour that says it again: yellow, and red.
BEGINNINGS = (("attn: note:", "33"), ("attn:", "31"))


def emit(report: "Report", format: str | None, json: bool, output: str | None) -> None:
    """Draw a report in the format that the options pick, where they say."""
    format = picked_format(format, json, output, offered(report))
    if output is None or output == "-":
        _send(render(report, format, terminal_width(), color=wants_color()))
    else:
        from attn_cli.writing import refuse_what_was_read, write_file

        refuse_what_was_read(output)
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

    # It asks the first stdout, which need not be the real one any more.
    with suppress(OSError):
        return shutil.get_terminal_size(os.get_terminal_size(stdout.descriptor())).columns
    return shutil.get_terminal_size().columns


def wants_color(terminal: bool | None = None) -> bool:
    """Tell whether stdout, or what is known to be a terminal, takes colour.

    As no-color.org and force-color.org say.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    terminal = on_terminal() if terminal is None else terminal
    return terminal and os.environ.get("TERM") != "dumb"


def on_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return is_terminal(stdout.stream())


def is_terminal(stream: "TextIO | None") -> bool:
    """Tell whether a stream is a terminal: code that is not ours may have closed it."""
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):
        return False


def write(text: str) -> None:
    """Write lines to stdout; words in them that are not ours are shown, and do nothing."""
    _send(escaped_lines(text))


def _send(text: str | bytes) -> None:
    """Write to stdout. Who reads only the head of it has what they want: that is no error."""
    stream = stdout.stream()
    if stream is None:
        raise BadFile("cannot write to standard output: it is closed")
    try:
        told = text if isinstance(text, bytes) else _encoded(text, stream.encoding)
        stream.buffer.write(told)
        stream.buffer.flush()
    except OSError as error:
        # What is still buffered must not be tried again while Python exits.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise BadFile(f"cannot write to standard output: {error.strerror}") from None


def write_error(line: str) -> None:
    """Write a line to stderr, whatever it is; in colour, an error does not look like a note."""
    text = escaped(line)
    begins, color = next((each for each in BEGINNINGS if text.startswith(each[0])), ("", ""))
    if begins and wants_color(is_terminal(sys.stderr)):
        text = f"\x1b[{color}m{begins}\x1b[0m{text[len(begins) :]}"
    draw_error(f"{text}\n")


def draw_error(text: str) -> None:
    """Write to stderr what is ours to the last character."""
    # Code that is not ours may have closed it, or put something else in its place.
    with suppress(OSError, AttributeError, ValueError):
        sys.stderr.buffer.write(_encoded(text, sys.stderr.encoding))
        sys.stderr.buffer.flush()


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(ASCII).encode(encoding, "backslashreplace")
