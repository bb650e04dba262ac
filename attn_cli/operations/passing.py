"""Layers that keep the shape: nothing at inference, a number for each element, or pictures changed.

What a layer does in training alone is not counted: costs are those of inference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.operations.arguments import count, elsewhere, free, inert, only
from attn_cli.operations.base import REQUIRED, Role
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
    noise_shape: Any = elsewhere(of_keras_2=True)


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

    seed: Any = inert()
    data_format: Any = inert()
    factor: Any = inert()
    bounding_box_format: Any = inert()


# What each is made with besides; the sign is behind what is needed.
RANGE = "factor! value_range"
FILLED = "fill_mode fill_value interpolation"
AUGMENTATIONS = {
    "RandomBrightness": RANGE,
    "RandomContrast": RANGE,
    "RandomFlip": "mode",
    "RandomRotation": f"factor! {FILLED}",
    "RandomTranslation": f"height_factor! width_factor! {FILLED}",
    "RandomZoom": f"height_factor! width_factor {FILLED}",
    "RandomShear": f"x_factor y_factor {FILLED}",
    "RandomHue": RANGE,
    "RandomSaturation": RANGE,
    "RandomSharpness": RANGE,
    "RandomGrayscale": "",
    "RandomInvert": "value_range",
    "RandomErasing": "scale fill_value value_range",
    "RandomGaussianBlur": "kernel_size sigma value_range",
    "RandomPosterization": RANGE,
    "RandomPerspective": "scale interpolation fill_value",
    "RandomElasticTransform": f"scale value_range {FILLED}",
    "RandomColorDegeneration": RANGE,
    "RandomColorJitter": "value_range brightness_factor contrast_factor saturation_factor "
    "hue_factor",
    "AutoContrast": "value_range",
    "Equalization": "value_range bins",
    "Solarization": "addition_factor threshold_factor value_range",
    "AugMix": "value_range num_chains chain_depth all_ops alpha interpolation",
    "RandAugment": "value_range num_ops interpolation",
    "CutMix": "",
    "MixUp": "alpha",
    "ContrastLimitedAdaptiveHistogramEqualization": "value_range clip_limit tile_grid_size",
}


def _augmentation(name: str, arguments: str) -> type[Augmentation]:
    made = {
        each.rstrip("!"): inert(REQUIRED if each.endswith("!") else None)
        for each in arguments.split()
    }
    return type(name, (Augmentation,), made)


globals().update({name: _augmentation(name, made) for name, made in AUGMENTATIONS.items()})
