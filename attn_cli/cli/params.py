"""`attn params`: one number, for scripts."""

from attn_cli.cli.options import (
    BlockOption,
    BOption,
    ChannelsOption,
    GammaOption,
    RatioOption,
    ShapeOption,
    shape_from,
    spec_from,
)
from attn_cli.cli.output import write


def params(
    block: BlockOption,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    ratio: RatioOption = None,
    b: BOption = None,
    gamma: GammaOption = None,
) -> None:
    """Print the number of parameters of a block, as Keras' count_params() counts them."""
    spec = spec_from(block, ratio, b, gamma)
    write(f"{spec.trace(shape_from(shape, channels)).params.total}\n")
