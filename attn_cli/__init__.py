"""What attention blocks in convolutional networks look like and cost.

The names below are resolved when they are first used: importing `attn_cli` imports nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attn_cli.blocks.cbam import cbam_block, spatial_block
    from attn_cli.blocks.eca import eca_block, eca_kernel_size
    from attn_cli.blocks.se import se_block, se_width
    from attn_cli.sources.block import trace
    from attn_cli.symbolic import namespace_of

_HOMES = {
    "cbam_block": "blocks.cbam",
    "eca_block": "blocks.eca",
    "eca_kernel_size": "blocks.eca",
    "namespace_of": "symbolic",
    "se_block": "blocks.se",
    "se_width": "blocks.se",
    "spatial_block": "blocks.cbam",
    "trace": "sources.block",
}

__all__ = [
    "cbam_block",
    "eca_block",
    "eca_kernel_size",
    "namespace_of",
    "se_block",
    "se_width",
    "spatial_block",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'attn_cli' has no attribute {name!r}")
    return getattr(import_module(f"attn_cli.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
