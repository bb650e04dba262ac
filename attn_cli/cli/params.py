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
    """Print how many parameters a block has, as Keras counts them.

    \b
    attn params -b eca -s 26,26,512
    attn params -b se --ratio 16 -c 512
    test $(attn params -b eca -s 26,26,512) -le 10
    """
    spec = spec_from(block, ratio, b, gamma)
    write(f"{spec.trace(shape_from(shape, channels)).params.total}\n")
