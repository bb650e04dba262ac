"""What is said of the attention in a graph: plain records."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from attn_cli.showing import cell, one
from attn_cli.text import escaped

if TYPE_CHECKING:
    from attn_cli.graph import Shape


class Attention(NamedTuple):
    """An attention block in a graph.

    `kind` is the catalogue's name for it, or "unnamed" for a gate that is none of those. `path` is
    that of the layer that applies it, `nodes` are its calls. `width` are the squeezed channels,
    `kernel_size` the side of the kernel that looks around; None where there is none.
    `params` are those of its layers: a block that is used twice has them at both places.
    """

    kind: str
    path: str
    input_shape: Shape
    channels: int | None
    width: int | None
    kernel_size: int | None
    activation: str | None
    gate: str | None
    params: int
    macs: int | None
    flops: int | None
    nodes: tuple[int, ...]

    def __repr__(self) -> str:
        """Show what it is and where, in a line."""
        kernel = f", kernel {self.kernel_size}" if self.kernel_size else ""
        width = f" → {self.width:,}" if self.width else ""
        squeezed = f"{cell(self.channels)}{width} channels{kernel}"
        params = one(self.params, "params")
        return f"<Attention {self.kind} at {escaped(self.path)}: {squeezed}, {params}>"


class Hidden(NamedTuple):
    """What would be an attention block, were it not for layers that cannot be read.

    `kind` is what it is if those layers multiply, None where they hide that too. `path` is that of
    the layer that applies it, `layers` are the paths of those that cannot be read, `params` those
    of the layers that can.
    """

    kind: str | None
    path: str
    layers: tuple[str, ...]
    input_shape: Shape
    channels: int | None
    params: int
    nodes: tuple[int, ...]


class Findings(NamedTuple):
    """What was found in a graph: blocks, hidden ones, and how many layers cannot be read, by type.

    Those that cannot may hide whole blocks.
    """

    blocks: tuple[Attention, ...]
    hidden: tuple[Hidden, ...]
    unread: tuple[tuple[str, int], ...]
