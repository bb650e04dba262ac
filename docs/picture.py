"""Draws summary.svg, the picture in README.md, from what the command prints."""

from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from attn_cli.analysis.summary import summarise
from attn_cli.spec import parse_shape, parse_spec
from attn_cli.views import render
from attn_cli.views.summary import report

WIDTH = 88
# Colours with contrast on a page of either shade.
THEME = TerminalTheme(
    (24, 26, 31),
    (214, 218, 226),
    [
        *((24, 26, 31), (224, 108, 117), (152, 195, 121), (229, 192, 123)),
        *((97, 175, 239), (198, 120, 221), (86, 182, 194), (214, 218, 226)),
    ],
)
# Rich's own frame without the web font: nothing is fetched to show a picture.
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def picture(command: str) -> str:
    """Return an SVG of a summary, under the command that prints it."""
    spec, shape = parse_spec("eca"), parse_shape("26,26,512")
    drawn = render(report(summarise(spec, shape)), "table", WIDTH, color=True)
    console = Console(width=WIDTH, record=True, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ {command}\n{drawn}"))
    return console.export_svg(title="", theme=THEME, code_format=FRAME, unique_id="attn")


if __name__ == "__main__":
    target = Path(__file__).with_name("summary.svg")
    target.write_text(picture("attn summary --block eca --shape 26,26,512"), encoding="utf-8")
