"""Layers that keep the shape: nothing at inference, a number for each element, or pictures changed.

What a layer does in training alone is not counted: costs are those of inference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.operations.arguments import count, free, inert, only
from attn_cli.operations.base import Role
from attn_cli.operations.forms import Free, Same
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class InputLayer(Free):
    batch_shape: Any = free(None)
    batch_input_shape: Any = inert()
    sparse: Any = inert()
    ragged: Any = inert()
    optional: bool = inert(False)
    input_tensor: Any = only(None)
    needed = 0


class Identity(Free):
    pass


class ActivityRegularization(Free):
    l1: float = free(0.0)
    l2: float = free(0.0)


class Masking(Same):
    masks = True
    mask_value: float = free(0.0)


class Dropout(Free):
    rate: float = free()
    noise_shape: Any = free(None)
    seed: Any = free(None)


class AlphaDropout(Dropout):
    pass


class GaussianDropout(Free):
    rate: float = free()
    seed: Any = free(None)


class GaussianNoise(Free):
    stddev: float = free()
    seed: Any = free(None)


class SpatialDropout(Free):
    rate: float = free()
    seed: Any = free(None)
    data_format: Any = free(None)
    noise_shape: Any = inert()


class SpatialDropout1D(SpatialDropout):
    pass


class SpatialDropout2D(SpatialDropout):
    pass


class SpatialDropout3D(SpatialDropout):
    pass


class Rescaling(Same):
    scale: Any = free()
    offset: Any = free(0.0)

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return 2 * size(outputs[0])


class StochasticDepth(Free):
    """Of keras.applications' ConvNeXt."""

    drop_path_rate: float = free()


class LayerScale(Same):
    """Of keras.applications' ConvNeXt."""

    init_values: float = free()
    projection_dim: int = count()

    def weights(self, *inputs: Shape) -> list[Role]:
        return [Role("gamma", (self.projection_dim,))]

    def flops(self, macs: int, outputs: Sequence[Shape], *inputs: Shape) -> int:
        return size(outputs[0])


class Augmentation(Same):
    """Changes pictures in training, and hands them on at inference."""

    def unexpected(self, name: str, value: Any) -> None:
        """Take all that it is made with: none of it changes a shape."""


class RandomBrightness(Augmentation):
    pass


class RandomContrast(Augmentation):
    pass


class RandomFlip(Augmentation):
    pass


class RandomRotation(Augmentation):
    pass


class RandomTranslation(Augmentation):
    pass


class RandomZoom(Augmentation):
    pass


class RandomShear(Augmentation):
    pass


class RandomHue(Augmentation):
    pass


class RandomSaturation(Augmentation):
    pass


class RandomSharpness(Augmentation):
    pass


class RandomGrayscale(Augmentation):
    pass


class RandomInvert(Augmentation):
    pass


class RandomErasing(Augmentation):
    pass


class RandomGaussianBlur(Augmentation):
    pass


class RandomPosterization(Augmentation):
    pass


class RandomPerspective(Augmentation):
    pass


class RandomElasticTransform(Augmentation):
    pass


class RandomColorDegeneration(Augmentation):
    pass


class RandomColorJitter(Augmentation):
    pass


class AutoContrast(Augmentation):
    pass


class Equalization(Augmentation):
    pass


class Solarization(Augmentation):
    pass


class AugMix(Augmentation):
    pass


class RandAugment(Augmentation):
    pass


class CutMix(Augmentation):
    pass


class MixUp(Augmentation):
    pass


class ContrastLimitedAdaptiveHistogramEqualization(Augmentation):
    pass
