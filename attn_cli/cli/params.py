"""`attn params`: one number, for scripts."""

from attn_cli.cli.options import (
    BlockOption,
    BOption,
    ChannelsOption,
    GammaOption,
    RatioOption,
    ShapeOption,
    SpecArgument,
    shape_from,
    spec_from,
)
from attn_cli.cli.output import write


def params(
    spec: SpecArgument = None,
    block: BlockOption = None,
    shape: ShapeOption = None,
    channels: ChannelsOption = None,
    ratio: RatioOption = None,
    b: BOption = None,
    gamma: GammaOption = None,
) -> None:
    """Print how many parameters a block has, as Keras counts them.

    \b
    attn params eca -s 26,26,512
    attn params se --ratio 16 -c 512
    test $(attn params eca -s 26,26,512) -le 10
    """
    chosen = spec_from(spec, block, ratio, b, gamma)
    write(f"{chosen.trace(shape_from(shape, channels)).params.total}\n")
