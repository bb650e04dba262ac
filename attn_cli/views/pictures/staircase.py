"""ECA's kernel along the channels: a staircase, each step of which is worked out from the rule."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from attn_cli.errors import AttnError
from attn_cli.views.pictures.vega import INK, PLAIN, STRONG, Chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# As far as networks go, where smaller numbers were asked for.
USUAL = 4096
LARGEST = 2**31 - 1
MAX_STEPS = 500


def of_kernels(rule: Callable[[int], int], asked: Sequence[tuple[int, int]], options: str) -> Chart:
    """Return the staircase of a rule, with the numbers of channels that were asked for on it."""
    most = min(LARGEST, max(USUAL, *[2 * channels for channels, _ in asked]))
    stairs = list(islice(steps(rule, 1, most), MAX_STEPS + 1))
    if len(stairs) > MAX_STEPS:
        raise AttnError(
            f"up to {most:,} channels the rule has more than {MAX_STEPS} steps: "
            "too many for a picture; -o FILE.csv has the kernels"
        )
    told = "; ".join(f"{first:,} to {last:,} channels: {kernel}" for first, last, kernel in stairs)
    line = [
        {"channels": channels, "kernel": kernel}
        for first, last, kernel in stairs
        for channels in (first, last + 1)
    ]
    points = [
        {"channels": channels, "kernel": kernel, "text": f"{channels:,} → {kernel}"}
        for channels, kernel in dict.fromkeys(asked)
    ]
    kernels = sorted({kernel for *_, kernel in stairs})
    x = {
        "field": "channels",
        "type": "quantitative",
        "scale": {"type": "log", "base": 2, "nice": False, "domain": [1, most]},
        "axis": {
            "title": "channels C (log scale)",
            "values": [2**power for power in range(32) if 2**power <= most],
            "labelOverlap": True,
        },
    }
    y: dict[str, Any] = {
        "field": "kernel",
        "type": "quantitative",
        "scale": {"domain": [0, kernels[-1] + 1], "nice": False},
        "axis": {"title": "kernel k", "format": "d"},
    }
    if len(kernels) <= 20:
        y["axis"]["values"] = kernels
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": line},
            "mark": {"type": "line", "color": PLAIN, "strokeWidth": 2, "clip": True},
        },
        {
            "data": {"values": points},
            "mark": {"type": "point", "filled": True, "color": STRONG, "size": 70, "opacity": 1},
        },
    ]
    if len(points) <= MAX_TOLD:
        layers.append(
            {
                "data": {"values": points},
                "mark": {"type": "text", "dy": -12, "color": INK},
                "encoding": {"text": {"field": "text"}},
            }
        )
    spec = {"width": 640, "height": 240, "encoding": {"x": x, "y": y}, "layer": layers}
    return Chart("ECA's kernel along the channels", f"A staircase: {told}.", [options], spec)


# With more points than these, what each is told stands in each other's way.
MAX_TOLD = 8


def steps(rule: Callable[[int], int], first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Yield each step of a rule: its ends, and its kernel.

    ECA's rule rises, or with a negative b first falls as it rises then. Its lowest step spans more
    than what is left out between two looks, so that none is passed over.

    >>> list(steps(lambda channels: channels // 100, 1, 250))
    [(1, 99, 0), (100, 199, 1), (200, 250, 2)]
    """
    start = first
    while start <= last:
        kernel = rule(start)
        # The furthest that has the same kernel: doubled until one differs, and then halved.
        reach = 1
        while start + reach <= last and rule(start + reach) == kernel:
            reach *= 2
        low, high = start + reach // 2, min(start + reach, last + 1)
        while high - low > 1:
            middle = (low + high) // 2
            if rule(middle) == kernel:
                low = middle
            else:
                high = middle
        yield start, low, kernel
        start = low + 1
