"""Layers that keep the shape: nothing at inference, a number for each element, or pictures changed.

What a layer does in training alone is not counted: costs are those of inference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attn_cli.errors import NotModelled
from attn_cli.operations.arguments import count, elsewhere, fraction, free, inert, only
from attn_cli.operations.base import ANY, REQUIRED, Role
from attn_cli.operations.common import TYPES, short
from attn_cli.operations.forms import Free, Same
from attn_cli.operations.shapes import size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from attn_cli.graph import Shape


class InputLayer(Free):
    batch_shape: Any = free(None)
    batch_input_shape: Any = inert()
    sparse: bool | None = inert()
    ragged: bool | None = inert()
    optional: bool = inert(False)
    input_tensor: Any = only(None)
    needed = 0
    others = frozenset(("dtype", "name"))
    computes_in = ANY

    def unexpected(self, name: str, keras_2: bool | None) -> None:
        """Pass over what there is besides, as Keras 3 does."""
        if keras_2:
            super().unexpected(name, keras_2)

    def compute_in(self, dtype: Any, keras_2: bool | None) -> None:
        """Take the type of what goes in, which is the only one that it is given in."""
        if not isinstance(dtype, str) or keras_2 is not False:
            super().compute_in(dtype, keras_2)
        elif dtype not in TYPES:
            raise NotModelled(f"Keras has no tensors of {short(dtype)}")


class Identity(Free):
    computes_in = ANY


class ActivityRegularization(Free):
    l1: float = free(0.0)
    l2: float = free(0.0)


class Masking(Same):
    masks = True
    mask_value: float = free(0.0)


class Dropout(Free):
    rate: float = fraction()
    noise_shape: list[int | None] | None = free(None)
    seed: int | dict[str, Any] | None = free(None)


class AlphaDropout(Dropout):
    pass


class GaussianDropout(Free):
    rate: float = fraction()
    seed: int | dict[str, Any] | None = free(None)


class GaussianNoise(Free):
    stddev: float = free()
    seed: int | dict[str, Any] | None = free(None)


class SpatialDropout(Free):
    rate: float = fraction()
    seed: int | dict[str, Any] | None = free(None)
    data_format: str | None = free(None)
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

    seed: int | dict[str, Any] | None = inert()
    data_format: str | None = inert()
    factor: Any = inert()
    bounding_box_format: str | None = inert()
    rng_type: Any = elsewhere(of_keras_2=True)
    force_generator: Any = elsewhere(of_keras_2=True)


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
