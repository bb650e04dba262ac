"""What attention blocks in convolutional networks look like and cost.

The names below are resolved when they are first used: importing `attn_cli` imports nothing else.
"""

# Importing this imports nothing, `typing` neither: it is the first of all that can be interrupted.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from attn_cli.analysis.compare import compare
    from attn_cli.analysis.find import Attention, attention_params, find_attention
    from attn_cli.blocks.bam import bam_block
    from attn_cli.blocks.cbam import cbam_block, spatial_block
    from attn_cli.blocks.coord import coord_block
    from attn_cli.blocks.eca import ceca_block, eca_block, eca_kernel_size
    from attn_cli.blocks.gc import gc_block
    from attn_cli.blocks.gct import gct_block
    from attn_cli.blocks.scse import scse_block
    from attn_cli.blocks.se import ese_block, se_block, se_width
    from attn_cli.blocks.simam import simam_block
    from attn_cli.blocks.srm import srm_block
    from attn_cli.blocks.triplet import triplet_block
    from attn_cli.sources.block import trace
    from attn_cli.sources.saved import Model, read_model
    from attn_cli.symbolic import namespace_of
    from attn_cli.tf.either import insert
    from attn_cli.tf.walk import walk

    __version__: str

_HOMES = {
    "Attention": "analysis.find",
    "Model": "sources.saved",
    "attention_params": "analysis.find",
    "bam_block": "blocks.bam",
    "cbam_block": "blocks.cbam",
    "ceca_block": "blocks.eca",
    "compare": "analysis.compare",
    "coord_block": "blocks.coord",
    "eca_block": "blocks.eca",
    "eca_kernel_size": "blocks.eca",
    "ese_block": "blocks.se",
    "find_attention": "analysis.find",
    "gc_block": "blocks.gc",
    "gct_block": "blocks.gct",
    "insert": "tf.either",
    "namespace_of": "symbolic",
    "read_model": "sources.saved",
    "scse_block": "blocks.scse",
    "se_block": "blocks.se",
    "se_width": "blocks.se",
    "simam_block": "blocks.simam",
    "spatial_block": "blocks.cbam",
    "srm_block": "blocks.srm",
    "trace": "sources.block",
    "triplet_block": "blocks.triplet",
    "walk": "tf.walk",
}

__all__ = [
    "Attention",
    "Model",
    "attention_params",
    "bam_block",
    "cbam_block",
    "ceca_block",
    "compare",
    "coord_block",
    "eca_block",
    "eca_kernel_size",
    "ese_block",
    "find_attention",
    "gc_block",
    "gct_block",
    "insert",
    "namespace_of",
    "read_model",
    "scse_block",
    "se_block",
    "se_width",
    "simam_block",
    "spatial_block",
    "srm_block",
    "trace",
    "triplet_block",
    "walk",
]


def __getattr__(name: str) -> "Any":
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'attn_cli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"attn_cli.{_HOMES[name]}"), name)


def _version() -> str:
    """Return the version of the installed package, which its metadata alone knows."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("attn-cli")
    except PackageNotFoundError:
        raise AttributeError("attn is not installed, so it has no version") from None


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
