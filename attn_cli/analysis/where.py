"""The vocabulary of what is put in a network, and where: words, in the order of their listing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attn_cli.spec import NONE, parse_spec

if TYPE_CHECKING:
    from attn_cli.spec import Spec

RESIDUAL, DEPTHWISE, POST, STAGE = "residual", "depthwise", "post", "stage"
ATTENTION = "attention"
WORDS = {
    RESIDUAL: "the end of a residual branch, just before it is added to its shortcut",
    DEPTHWISE: "after a depthwise convolution and what normalises and activates it",
    POST: "after that addition, and what activates it",
    STAGE: "the last feature map of each resolution",
    ATTENTION: "in place of the attention that is there; or a block's name, of that kind alone",
}


def parse_block(text: str) -> Spec | None:
    """Parse a block for a network; `none` is what takes attention out."""
    return None if text.strip() == NONE else parse_spec(text)
