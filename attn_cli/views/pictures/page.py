"""A report as one page that stands on its own: heading, picture, tables that sort, what is said.

Nothing is fetched and nothing runs but the lines below that sort a table; without them the page is
the same, in the order of the report.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any

from attn_cli.errors import AttnError
from attn_cli.graph import UNKNOWN
from attn_cli.views.pictures.vega import apart
from attn_cli.views.report import bare, pretty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from attn_cli.views.report import Column, Report, Table

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --faint: #5c5c5c; --rule: #d0d0d0;
  --shade: #f4f6f8; --mark: #b34700; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #14171c;
  --faint: #a8a8a8; --rule: #444; --shade: #1f2225; --mark: #ff9d5c; } }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; color: var(--ink);
  background: var(--paper); font: 16px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.35rem; font-weight: 600; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.lead { color: var(--faint); }
figure, .table { margin: 1.25rem 0; overflow-x: auto; }
figure svg { display: block; min-width: 40rem; width: 100%; height: auto; }
figure svg > rect { fill: none !important; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top;
  white-space: nowrap; }
th { border-bottom: 1px solid var(--rule); font-weight: 600; }
td { border-bottom: 1px solid var(--shade); }
.n { text-align: right; }
.name { overflow-wrap: anywhere; white-space: normal; min-width: 12rem; }
tfoot td { font-weight: 600; border-top: 1px solid var(--rule); }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid; outline-offset: 2px; }
th[aria-sort] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
.warning { color: var(--mark); }
@media print { body { max-width: none; padding: 0; font-size: 10px; color: #000; background: #fff; }
  th, td { padding-right: .6rem; } .name { min-width: 0; }
  figure, .table { overflow: visible; } figure svg { min-width: 0; }
  tr, figure { break-inside: avoid; } thead { display: table-header-group; } }
"""
# A table is sorted by the values of its cells, which are bare: what has none comes last, rows that
# are alike keep the order that they came in, and a row that goes on with the one above it stays
# with it.
SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], rows = [];
  for (const row of body.rows)
    row.dataset.on === undefined ? rows.push([row]) : rows[rows.length - 1].push(row);
  heads.forEach((head, place) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      heads.forEach(each => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = rows => rows[0].cells[place].dataset.v, number = head.classList.contains("n");
      const by = (a, b) => number ? Number(a) - Number(b)
        : a.localeCompare(b, "en", { numeric: true });
      body.append(...[...rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        return x === "" || y === "" ? (x === "") - (y === "") : sign * by(x, y);
      }).flat());
    });
  });
}
"""


def draw(report: Report) -> str:
    """Draw a report as a page of HTML."""
    name, picture = _picture(report)
    heading = [apart(line) for line in report.heading] or [name or "attn"]
    body = [f"<h1>{escape(heading[0])}</h1>"]
    body += [f'<p class="lead">{escape(line)}</p>' for line in heading[1:]]
    body += picture
    body += [_table(table) for table in report.tables]
    body += [_line(line) for line in report.closing]
    # No script but ours may run, and nothing may be fetched, whatever a name holds.
    digest = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(heading[0])}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            *body,
            "</main>",
            f"<script>{SCRIPT}</script>",
            "</body>",
            "</html>\n",
        ]
    )


def _picture(report: Report) -> tuple[str, list[str]]:
    """Return the picture of a report that has one, and its title; where it cannot be drawn, why."""
    if report.picture is None:
        return "", []
    from attn_cli.views.pictures.vega import svg

    try:
        chart = report.picture.subject()
    except AttnError as error:
        return "", [_line(f"no picture: {error}")]
    # The page has said already what stands above the picture.
    drawn = svg(chart._replace(title="", notes=()), named=chart.title)
    return chart.title, [f"<figure>{drawn.strip()}</figure>"]


def _line(line: str) -> str:
    style = ' class="warning"' if line.startswith("warning:") else ""
    return f"<p{style}>{escape(line)}</p>"


def _table(table: Table) -> str:
    places = [place for place, column in enumerate(table.columns) if column.kind != "bar"]
    columns = [table.columns[place] for place in places]
    heads = [f'<th{_class(each)} scope="col">{escape(each.header)}</th>' for each in columns]
    lines = [
        '<div class="table" tabindex="0"><table>',
        f"<caption>{escape(table.title)}</caption>" if table.title else "",
        f"<thead><tr>{''.join(heads)}</tr></thead>",
        "<tbody>",
        *_rows(columns, [[row[place] for place in places] for row in table.rows]),
        "</tbody>",
    ]
    if table.total:
        total = [table.total[place] for place in places]
        lines += ["<tfoot>", *_rows(columns, [total]), "</tfoot>"]
    return "\n".join([*filter(None, lines), "</table></div>"])


def _rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    # A row without a name, where rows have one, goes on with the one above it.
    named = [place for place, column in enumerate(columns) if column.kind == "name"]
    for order, row in enumerate(rows):
        goes_on = order and named and not any(row[place] for place in named)
        cells = [
            f'<td{_class(column)} data-v="{escape(_value(column, value))}">'
            f"{escape(pretty(column, value))}</td>"
            for column, value in zip(columns, row, strict=True)
        ]
        yield f"<tr{' data-on' * bool(goes_on)}>{''.join(cells)}</tr>"


def _value(column: Column, value: Any) -> str:
    """Return what a cell is sorted by: of what is set as text the figure that it begins with."""
    if value is None or value == UNKNOWN or isinstance(value, bool):
        return "" if value is None or value == UNKNOWN else str(int(value))
    text = bare(column, value)
    if column.right and not isinstance(value, (int, float)):
        number = re.match(r"-?[\d,]+(?:\.\d+)?", text)
        return number[0].replace(",", "") if number else ""
    return text


def _class(column: Column) -> str:
    if column.right:
        return ' class="n"'
    return ' class="name"' if column.kind in ("name", "phrase", "prose") else ""
