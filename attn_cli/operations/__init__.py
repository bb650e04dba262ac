"""THE TABLE of what Keras' layers and ops do, one entry for each type.

`LAYERS` and `OPS` name them all, with the module that an entry stands in: asking for one imports
one. `bind` hands an entry a config; what it does not understand is an `Opaque`, with the reason.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from attn_cli.operations.arguments import is_integer
from attn_cli.operations.base import MAX_COUNT, MAX_SIZE, NONSENSE, Opaque, Unknown, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attn_cli.graph import Shape
    from attn_cli.operations.base import Operation, Role


def _spread(modules: Mapping[str, str]) -> dict[str, str]:
    return {name: module for module, names in modules.items() for name in names.split()}


LAYERS = _spread(
    {
        "activation": "Activation ReLU LeakyReLU ThresholdedReLU ELU PReLU Softmax",
        "attention": "MultiHeadAttention GroupedQueryAttention Attention AdditiveAttention",
        "convolution": "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose "
        "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D",
        "dense": "Dense EinsumDense Embedding",
        "merging": "Add Subtract Multiply Maximum Minimum Average Concatenate Dot CustomScaleLayer",
        "normalization": "BatchNormalization SyncBatchNormalization LayerNormalization "
        "GroupNormalization RMSNormalization UnitNormalization Normalization",
        "passing": "InputLayer Identity ActivityRegularization Masking Dropout AlphaDropout "
        "GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D "
        "Rescaling StochasticDepth LayerScale RandomBrightness RandomContrast RandomFlip "
        "RandomRotation RandomTranslation RandomZoom RandomShear RandomHue RandomSaturation "
        "RandomSharpness RandomGrayscale RandomInvert RandomErasing RandomGaussianBlur "
        "RandomPosterization RandomPerspective RandomElasticTransform RandomColorDegeneration "
        "RandomColorJitter AutoContrast Equalization Solarization AugMix RandAugment CutMix MixUp "
        "ContrastLimitedAdaptiveHistogramEqualization",
        "pooling": "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D "
        "AveragePooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
        "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D AdaptiveAveragePooling1D "
        "AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D",
        "recurrent": "SimpleRNN GRU LSTM ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional",
        "reshaping": "Flatten Reshape Permute RepeatVector Cropping1D Cropping2D Cropping3D "
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D UpSampling2D UpSampling3D "
        "Resizing CenterCrop RandomCrop",
    }
)

OPS = _spread(
    {
        "activation": "Softmax",
        "arrays": "Reshape Transpose Swapaxes Moveaxis ExpandDims Squeeze Ravel Concatenate Hstack "
        "Vstack Stack Split Unstack Tile Repeat BroadcastTo Pad GetItem Take Tril Triu OneHot "
        "SpaceToDepth DepthToSpace Shape",
        "attention": "DotProductAttention",
        "elementwise": "LogSoftmax Sparsemax Gelu LeakyRelu Elu Celu HardShrink SoftShrink "
        "Threshold Squareplus Abs Absolute Angle Arccos Arccosh Arcsin Arcsinh Arctan Arctanh "
        "BitwiseInvert BitwiseNot Cbrt Ceil Conj Conjugate Copy Cos Cosh Deg2rad Erf Erfc Erfinv "
        "Exp Exp2 Expm1 Fabs Floor HardSigmoid HardSilu HardTanh I0 Imag Isfinite Isinf Isnan "
        "Isneginf Isposinf Isreal Log Log10 Log1p Log2 LogSigmoid LogicalNot Negative Rad2deg Real "
        "Reciprocal Relu Relu6 Rsqrt Selu Sigmoid Sign Signbit Silu Sin Sinc Sinh Softplus "
        "Softsign SparsePlus SparseSigmoid Sqrt Square StopGradient Tan Tanh TanhShrink Trunc "
        "Add Divide Maximum Minimum Multiply Subtract TrueDivide Arctan2 DivideNoNan Equal "
        "FloorDivide Fmax Fmin Fmod Greater GreaterEqual Heaviside Hypot Ldexp Less "
        "LessEqual LogicalAnd LogicalOr LogicalXor Logaddexp Logaddexp2 Mod Nextafter NotEqual "
        "Power Clip Round NanToNum Cast SaturateCast OnesLike ZerosLike Where",
        "merging": "AddN SquaredDifference",
        "passing": "Identity",
        "products": "Matmul Dot Tensordot Einsum Conv DepthwiseConv",
        "reshaping": "Resize",
        "reduction": "Mean Average Max Min Sum Var Std Amax Amin Prod All Any Median Logsumexp Ptp "
        "CountNonzero Norm Argmax Argmin Cumsum Cumprod Sort Argsort Flip Roll Normalize",
    }
)

# What holds layers: of these the table has the arguments alone.
HOLDING = _spread({"holding": "Functional Model Sequential TimeDistributed"})

# What Keras writes for a class that has another name.
ALIASES = {"GroupQueryAttention": "GroupedQueryAttention"}
# Entries whose class cannot have the name of the type.
NAMED = {"Shape": "Shape_"}


@cache
def entry(type: str, *, is_op: bool = False) -> type[Operation] | None:
    """Return the entry of a type, None where the table has none."""
    type = ALIASES.get(type, type)
    module = (OPS if is_op else LAYERS | HOLDING).get(type)
    if module is None:
        return None
    found = import_module(f"{__name__}.{module}")
    return getattr(found, NAMED.get(type, type))  # type: ignore[no-any-return] # all are entries


def bind(
    type: str, config: Mapping[str, Any], *, is_op: bool = False, keras_2: bool | None = None
) -> Operation:
    """Return a layer or an op bound to its config, an Opaque where it is not understood.

    `keras_2` is whether Keras 2 wrote it, None where that is not known.
    """
    known = entry(type, is_op=is_op)
    if known is None:
        return Opaque(type, f"what {type} does is not known")
    bound: Operation
    try:
        bound = known.of_config(config, is_op=is_op, keras_2=keras_2)
    except Unknown as unknown:
        bound = Opaque(type, reason(unknown))
    bound.keeps_batch = not is_op
    return bound


def weight_roles(type: str, config: Mapping[str, Any], *inputs: Shape) -> list[Role] | None:
    """Return the weights of a layer for inputs of these shapes; None where they are not known."""
    return roles_of(bind(type, config), *inputs)


def roles_of(operation: Operation, *inputs: Shape) -> list[Role] | None:
    """Return the weights of a layer for inputs of these shapes; None where they are not known."""
    try:
        roles = operation.weights(*inputs)
    except (Unknown, *NONSENSE):
        return None
    for role in roles:
        count = 1
        for dim in role.dims or ():
            if dim is None:
                continue
            if not is_integer(dim) or not 0 <= dim <= MAX_SIZE:
                return None
            count *= dim
            if count > MAX_COUNT:
                return None
    return roles
