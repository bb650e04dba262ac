"""How a record shows itself in Python: a small table, as text and in a notebook.

Records of all parts draw themselves with this. It knows none of them, and is no view: a view fits
a terminal and has formats, this is what a session answers when a value is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from attn_cli.text import escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

# More rows than this are cut in the middle: a model has thousands.
MOST = 40


class Small(NamedTuple):
    """A line, a table of texts and numbers (None is unknown), and a line with the totals."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | int | None]]
    closing: str = ""


class Shown(Protocol):
    """A record that tells a small table."""

    def _small(self) -> Small: ...


Record = TypeVar("Record", bound=Shown)


def shown_small(record: type[Record]) -> type[Record]:
    """Have a record show itself as the small table that it tells, as text and in a notebook."""
    for method, draw in (("__repr__", as_text), ("_repr_html_", as_html)):
        setattr(record, method, lambda self, draw=draw: draw(self._small()))
    return record


def as_text(small: Small) -> str:
    """Return a small table as lines of text, figures flush right."""
    rows = [[*map(cell, row)] for row in _fewer(small)]
    lines = [small.heading]
    if rows:
        table = [list(small.columns), *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        right = _figures(small)
        for row in table:
            cells = [
                text.rjust(width) if flush else text.ljust(width)
                for text, width, flush in zip(row, widths, right, strict=True)
            ]
            lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join([*lines, *([small.closing] if small.closing else [])])


def as_html(small: Small) -> str:
    """Return a small table as HTML, in the colours that the page has; all words are escaped."""
    from html import escape

    align = ["right" if flush else "left" for flush in _figures(small)]

    def row(tag: str, texts: Sequence[str]) -> str:
        cells = zip(texts, align, strict=True)
        inner = "".join(
            f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for text, side in cells
        )
        return f"<tr>{inner}</tr>"

    parts = [f"<p>{escape(small.heading)}</p>"]
    if small.rows:
        body = "".join([row("td", [*map(cell, each)]) for each in _fewer(small)])
        parts.append(
            f"<table><thead>{row('th', small.columns)}</thead><tbody>{body}</tbody></table>"
        )
    if small.closing:
        parts.append(f"<p>{escape(small.closing)}</p>")
    return f"<div>{''.join(parts)}</div>"


def cell(value: str | int | None) -> str:
    """Return a value for people: thousands separated, `?` where it is unknown."""
    if value is None:
        return "?"
    # A name of a live model is anybody's.
    return escaped(value) if isinstance(value, str) else f"{value:,}"


def one(count: int | None, what: str) -> str:
    """Return a figure with its unit: `318 params`, `? MACs`."""
    return f"{cell(count)} {what}"


def several(count: int, what: str) -> str:
    """Return how many there are of something: `1 block`, `3 blocks`."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def _figures(small: Small) -> list[bool]:
    """Tell which columns hold figures, and no words."""
    columns = zip(*small.rows, strict=True)
    return [not any(isinstance(value, str) and value for value in column) for column in columns]


def _fewer(small: Small) -> Sequence[Sequence[str | int | None]]:
    """Return the rows; of very many the first and the last, and how many stand between them."""
    rows, more = small.rows, len(small.rows) - MOST
    if more <= 1:
        return rows
    between = [f"… {more:,} more", *[""] * (len(small.columns) - 1)]
    return [*rows[: MOST // 2], between, *rows[-(MOST - MOST // 2) :]]
