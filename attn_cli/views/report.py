"""What a command has to say, before it is drawn in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attn_cli.blocks.options import format_value
from attn_cli.graph import UNKNOWN
from attn_cli.text import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from attn_cli.graph import Shape


class Column(NamedTuple):
    """A column of a table.

    `leaves` says in which order columns leave a narrow terminal, the least needed first: the
    highest first, 0 never; from EXTRA up they leave before names are shortened. `stands_for` names
    the column that this one stands for once that has left; `missing` is shown where a row has no
    value; `tells` names the columns of a report's rows that this one shows, where it is none of
    them itself.
    """

    key: str
    header: str
    kind: str = "text"
    leaves: int = 0
    stands_for: str | None = None
    missing: str = ""
    strong: bool = False
    tells: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether it is set flush right, as figures are."""
        return self.kind in RIGHT


EXTRA = 10
RIGHT = frozenset(
    (*("change", "difference", "factor", "index", "int", "number", "percent", "right", "time"),)
)


class Table(NamedTuple):
    """Rows of raw values: integers, shapes, texts, None where there is no value."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    title: str | None = None
    total: Sequence[Any] | None = None

    @property
    def lines(self) -> list[Sequence[Any]]:
        """The rows, and the total below them where there is one."""
        return [*self.rows, *([self.total] if self.total else [])]


class Annotation(NamedTuple):
    """What is wrong, and the line of the file that asked for something else."""

    title: str
    message: str
    file: str | None = None
    line: int | None = None


class Picture(NamedTuple):
    """What a picture shows, told when one is drawn; `kind` is one of `views.PICTURES`."""

    kind: str
    subject: Callable[[], Any]


class Report(NamedTuple):
    """What a command says: to people in lines and tables, to programs in rows or a record.

    What only some formats draw is told where one does: the record, the rows, the picture.
    `annotations` is None where a command has none to make, empty where nothing is wrong; `picture`
    is None where there is nothing to draw.
    """

    record: Callable[[], dict[str, Any]]
    rows: Callable[[], Table]
    tables: Sequence[Table]
    heading: Sequence[str] = ()
    closing: Sequence[str] = ()
    annotations: Sequence[Annotation] | None = None
    picture: Picture | None = None


def in_lines(report: Report) -> Report:
    """Return a report with all words in it as they can be shown, each on one line."""
    return report._replace(
        rows=lambda: _in_lines(report.rows()),
        tables=[_in_lines(table) for table in report.tables],
        heading=[escaped(line) for line in report.heading],
        closing=[escaped(line) for line in report.closing],
        annotations=report.annotations and [_words(each) for each in report.annotations],
    )


def _in_lines(table: Table) -> Table:
    return table._replace(
        columns=[column._replace(header=escaped(column.header)) for column in table.columns],
        rows=[
            [value if type(value) in WORDLESS else _words(value) for value in row]
            for row in table.rows
        ],
        title=_words(table.title),
        total=table.total and [_words(value) for value in table.total],
    )


# A table may have hundreds of thousands of cells, and most of them no words.
WORDLESS = frozenset((int, float, bool, type(None)))


def _words(value: Any) -> Any:
    """Return a value as it is, but for the words in it."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Annotation):
        return Annotation(*map(_words, value))
    if type(value) not in (tuple, list) or WORDLESS.issuperset(map(type, value)):
        return value
    # An empty tuple is what is unknown, and an empty list none: each stays what it is.
    return type(value)(map(_words, value))


def chosen(table: Table, keys: Sequence[str], fixed: bool = True) -> Table:
    """Return a table with only these columns, in this order; fixed ones never leave."""
    places = [[column.key for column in table.columns].index(key) for key in keys]
    columns = [table.columns[place] for place in places]
    if fixed:
        columns = [column._replace(leaves=0, stands_for=None) for column in columns]
    rows = [[row[place] for place in places] for row in table.rows]
    total = table.total and [table.total[place] for place in places]
    return table._replace(columns=columns, rows=rows, total=total)


def bare(column: Column, value: Any) -> str:
    """Return a value as text for machines: bare integers, empty where there is none."""
    if value is None or value == UNKNOWN:
        return ""
    if column.kind == "shape":
        return shape_text(value)
    if column.kind == "refs":
        return " ".join(map(str, value))
    return format_value(value)


def pretty(column: Column, value: Any) -> str:
    """Return a value as text for people: thousands separated."""
    if value is None:
        return column.missing
    if value == UNKNOWN:
        return "?"
    if value == "":
        return ""
    if column.kind == "int":
        return f"{value:,}"
    if column.kind == "difference":
        return f"{value:+,}" if value else "0"
    if column.kind == "percent":
        return percent_text(value)
    if column.kind == "factor":
        return percent_text(value) if value < 10 else f"{scaled(value, ('',)).rstrip()}×"
    if column.kind == "change":
        return change_text(value)
    if column.kind == "refs":
        return ", ".join(map(str, value))
    if column.kind == "mark":
        return str({True: "✔", False: "✘"}.get(value, value))
    if column.kind == "time":
        return time_text(value)
    return bare(column, value)


def percent_text(share: float, digits: int = 2) -> str:
    """Return a part of 1 in percent; what is not quite nothing, or not quite all, says so.

    >>> percent_text(0.1194), percent_text(1e-9), percent_text(0.999999)
    ('11.94%', '<0.01%', '>99.99%')
    """
    step = 10**-digits
    least, most = f"{step:.{digits}f}", f"{100:.{digits}f}"
    text = f"{100 * share:,.{digits}f}"
    if share > 0 and text == f"{0:.{digits}f}":
        return f"<{least}%"
    if share != 1 and text == most:
        return f">{100 - step:.{digits}f}%" if share < 1 else f"<{100 + step:.{digits}f}%"
    return f"{text}%"


TIMES = ("ns", "µs", "ms", "s")
BYTES = ("bytes", "kB", "MB", "GB", "TB")
COUNTS = ("", "k", "M", "G", "T", "P")
# From here on an exact figure for people has a short one beside it.
LONG = 1_000_000


def change_text(share: float) -> str:
    """Return by what share something grew or shrank: +9.87%, never 0 where it is not."""
    if 0 < abs(share) < 0.00005:
        return "+<0.01%" if share > 0 else "-<0.01%"
    return f"{100 * share:+,.2f}%" if share else "0"


def time_text(nanoseconds: int) -> str:
    """Return a time in its unit, to three digits: 87.4 µs."""
    if nanoseconds < 0:
        return f"-{time_text(-nanoseconds)}"
    whole = nanoseconds < 1000
    return f"{nanoseconds} ns" if whole else scaled(nanoseconds, TIMES)


def counted(figure: int, what: str) -> str:
    """Return a total in words, exact, and in short where it is long.

    >>> counted(32768, "MACs"), counted(3857973248, "MACs"), counted(21322284, "bytes")
    ('32,768 MACs', '3,857,973,248 MACs (3.86 G)', '21,322,284 bytes (21.3 MB)')
    """
    exact = f"{figure:,} {what}"
    if figure < LONG:
        return exact
    return f"{exact} ({scaled(figure, BYTES if what == 'bytes' else COUNTS)})"


def scaled(number: float, units: Sequence[str]) -> str:
    """Return a number in the unit that suits it, to three digits."""
    unit = units[0]
    for larger in units[1:]:
        if number < 999.5:
            break
        number, unit = number / 1000, larger
    digits = max(0, 3 - len(str(round(number))))
    return f"{number:,.{digits}f} {unit}"


def cell(column: Column, value: Any) -> str:
    """Return what a terminal shows: a value as text for people, or a bar."""
    return bar(value) if column.kind == "bar" else pretty(column, value)


def bar(share: float | None, length: int = 10) -> str:
    """Draw a share of 1 as a bar, to an eighth of a character."""
    eighths = round((share or 0) * length * 8)
    if share and not eighths:
        eighths = 1
    return "█" * (eighths // 8) + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]


def with_batch(shape: Shape) -> Shape:
    """Return an input (H, W, C) as (B, H, W, C), with a dynamic batch."""
    return (None, *shape)


def size_text(shape: Shape) -> str:
    """Return an input without its batch as people write it: 26 × 26 × 512."""
    return " × ".join(map(str, shape))


def map_text(shape: Shape) -> str:
    """Return a feature map (B, H, W, C) as people write one: without its batch, `?` if unknown."""
    return size_text(shape[1:]) or "?"


def shape_text(shape: Shape) -> str:
    """Return a shape as Keras prints it: (None, 26, 26, 512)."""
    return f"({', '.join(map(str, shape))})"
