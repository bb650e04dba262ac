"""What the commands print, drawn: the tutorial's two blocks, comparisons, the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from process import attn, run_here

from attn_cli.views import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

COMPARED = ("se:ratio=16", "se:ratio=8", "eca", "cbam", "simam")
DRAWN = {
    # The tutorial's two blocks on the tutorial's two inputs.
    "se": ("summary", "-b", "se", "-s", "56,56,24", "--ratio", "4"),
    "eca": ("summary", "--block", "eca", "--shape", "26,26,512", "--b", "1", "--gamma", "2"),
    "dynamic": ("summary", "-b", "cbam", "-c", "64"),
    "columns": ("summary", "-b", "se", "-s", "7,7,512", "--columns", "inputs,name,params"),
    "kernel-size": ("kernel-size", "7", "8", "128", "512", "2048", "32768"),
    "compare": ("compare", *COMPARED, "-s", "56,56,256"),
    "places": ("compare", *COMPARED, "-s", "56,56,256", "-s", "6@14,14,1024"),
    "baseline": ("compare", *COMPARED, "-s", "14x14x512", "--baseline", "eca", "--sort", "-flops"),
    "unknown": ("compare", "se", "eca", "-s", "None,None,64", "-s", "7,7,64"),
    "blocks": ("blocks",),
    "block": ("blocks", "eca"),
    "block-shape": ("blocks", "cbam", "-s", "26,26,512"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", DRAWN)
def test_output_is_as_it_was(name: str, format: str, golden: Callable[[str, str], None]) -> None:
    """A change of the output is a change to look at."""
    result = run_here([*DRAWN[name], "--format", format])
    assert (result.code, result.err) == (0, "")
    golden(f"cli/{name}.{format}", result.out)


@pytest.mark.parametrize("name", DRAWN)
def test_a_process_prints_the_same(name: str) -> None:
    """Into a pipe, where no one says how wide it is."""
    assert attn(*DRAWN[name]) == run_here(DRAWN[name])


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("name", ["eca", "places", "block"])
def test_terminals_are_as_they_were(
    name: str, columns: int, golden: Callable[[str, str], None]
) -> None:
    """What fits is shown; the numbers that stay are whole, and what left is named."""
    result = attn(*DRAWN[name], columns=columns, env={"NO_COLOR": "1"})
    assert (result.code, result.err) == (0, "")
    golden(f"cli/{name}-{columns}.txt", result.out)


def test_colour_is_as_it_was(golden: Callable[[str, str], None]) -> None:
    """Calm: bold and dim, and nothing that a light or a dark background would swallow."""
    golden("cli/eca-80.ansi", attn(*DRAWN["eca"], columns=80).out)


def test_specs_from_stdin_are_as_arguments() -> None:
    """A line each; comments and empty lines are passed over, and they mix with arguments."""
    lines = "# ratios\nse:ratio=8\n\n  eca  # the cheapest\r\ncbam\n"
    shape = ("-s", "56,56,256", "--json")
    typed = attn("compare", "se", "se:ratio=8", "eca", "cbam", "simam", *shape)
    assert attn("compare", "se", "-", "simam", *shape, stdin=lines) == typed
    assert typed.code == 0
