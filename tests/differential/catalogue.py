"""All that Keras has: its layers and ops, and those of Keras 2, found by looking.

What cannot be drawn is named, with the reason. A name that is there without need fails a test.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def world(name: str) -> Any:
    """Return Keras 3 ("keras") or Keras 2 ("tf_keras"), on TensorFlow."""
    from attn_cli.tf.load import load_keras

    keras = load_keras()
    return keras if name == "keras" else importlib.import_module(name)


def distinct(named: dict[str, Any]) -> dict[str, Any]:
    """Return each thing once, by its own name where it has it, or else its shortest."""
    found: dict[int, str] = {}
    for name, thing in sorted(named.items(), key=lambda item: (len(item[0]), item[0])):
        if id(thing) not in found or name == getattr(thing, "__name__", None):
            found[id(thing)] = name
    return {name: named[name] for name in sorted(found.values())}


@cache
def layers(name: str) -> dict[str, Any]:
    """Return the classes of layers."""
    keras = world(name)
    return distinct(
        {
            key: each
            for key, each in vars(keras.layers).items()
            if inspect.isclass(each) and issubclass(each, keras.layers.Layer)
        }
    )


@cache
def ops() -> dict[str, Any]:
    """Return the ops of Keras 3."""
    found = vars(world("keras").ops)
    images = {f"image.{key}": each for key, each in vars(found["image"]).items()}
    return distinct(
        {
            key: each
            for key, each in {**images, **found}.items()
            if inspect.isfunction(each) and each.__name__[0] != "_"
        }
    )


# What Python's own signs call.
SIGNS: dict[str, Callable[..., Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
    "@": lambda x, y: x @ y,
    "[]": lambda x, key: x[key],
    "-x": lambda x: -x,
}


# What sets or clears what all of a process share, and makes no layer.
OF_THE_PROCESS = ("clear_session", "learning_phase", "manual_", "reset_", "rnn", "set_")


@cache
def functions() -> dict[str, Any]:
    """Return what becomes a layer in Keras 2: TensorFlow's functions, and those of its backend."""
    import tensorflow as tf

    named: dict[str, Any] = dict(SIGNS)
    for module in ("", "math.", "nn.", "linalg.", "image."):
        owner = getattr(tf, module[:-1]) if module else tf
        for key in dir(owner):
            each = getattr(owner, key, None)
            if callable(each) and hasattr(each, "_tf_fallback_dispatchers"):
                named[module + key] = each
    for key, each in vars(world("tf_keras").backend).items():
        if inspect.isfunction(each) and key[0] != "_" and not key.startswith(OF_THE_PROCESS):
            named[f"backend.{key}"] = each
    return distinct(named)


def types(name: str, kind: str) -> dict[str, Any]:
    """Return what a Keras has of a kind: layers, ops, or functions."""
    return {"layers": lambda: layers(name), "ops": ops, "functions": functions}[kind]()


def because(**reasons: str) -> dict[str, str]:
    """Return a reason for each name, from the names for each reason."""
    return {
        name: reason.replace("_", " ")
        for reason, names in reasons.items()
        for name in names.split()
    }


# What no model can be drawn with, by the reason.
NOT_DRAWN: dict[tuple[str, str], dict[str, str]] = {
    ("keras", "layers"): because(
        is_what_others_are_made_of="Layer Wrapper InputLayer",
        is_called_by_a_recurrent_layer="GRUCell LSTMCell SimpleRNNCell StackedRNNCells",
        runs_the_code_of_its_user="Lambda FlaxLayer JaxLayer TorchModuleWrapper TFSMLayer",
        is_a_list_of_layers_that_no_model_holds="Pipeline",
        needs_a_package_that_is_not_there="STFTSpectrogram",
        fails_on_a_tensor_of_TensorFlow_with_a_batch="RandomCrop",
    ),
    ("keras", "ops"): because(
        takes_a_function="associative_scan cond custom_gradient fori_loop jvp map scan switch "
        "vectorize vectorized_map while_loop",
        takes_no_tensor="arange bartlett blackman empty eye full geomspace hamming hanning "
        "identity kaiser linspace logspace meshgrid ones tri zeros",
        makes_no_tensor="convert_to_numpy dtype is_tensor ndim shape",
        takes_pairs_of_real_and_imaginary_parts="fft fft2 ifft2 irfft istft",
        takes_labels="ctc_decode ctc_loss in_top_k segment_max "
        "segment_min segment_prod segment_sum scatter scatter_update slice_update unravel_index",
        takes_vectors_or_matrices_without_a_batch="correlate histogram searchsorted vander "
        "lu_factor psnr select",
        takes_points_or_a_transform="image.affine_transform image.map_coordinates "
        "image.perspective_transform image.scale_and_translate",
        needs_arguments_that_go_together="image.crop_images image.pad_images",
        needs_images_of_11="image.ssim",
        fails_on_a_symbolic_tensor="conv_transpose corrcoef isin kron rearrange",
    ),
    ("tf_keras", "layers"): because(
        is_what_others_are_made_of="AbstractRNNCell",
        is_called_by_a_recurrent_layer="GRUCell LSTMCell SimpleRNNCell StackedRNNCells",
        runs_the_code_of_its_user="Lambda DenseFeatures",
        fails_on_any_layer_inside_it="SpectralNormalization",
    ),
}

# What has no kernel, or one whose products can be told: its MACs are known, whatever else is not.
KNOWN = """
Activation ActivityRegularization AdditiveAttention AlphaDropout Attention Average
AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization Bidirectional CenterCrop
Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D
ConvLSTM2D ConvLSTM3D Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D
Dot Dropout ELU EinsumDense Embedding Flatten GRU GaussianDropout GaussianNoise
GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity LSTM
LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D MultiHeadAttention
Normalization PReLU Permute RandomBrightness RandomContrast RandomFlip RandomRotation
RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing SeparableConv1D
SeparableConv2D SimpleRNN Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
ZeroPadding1D ZeroPadding2D ZeroPadding3D
abs absolute clip concatenate einsum elu exp gelu leaky_relu log matmul mean pad power repeat
reshape split stack std sum tile transpose
"""

# Names that are written by other versions of TensorFlow, or where its first one is called.
OF_OTHER_VERSIONS = frozenset(
    (
        *(
            "__operators__.truediv",
            "add_n",
            "compat.v1.nn.softmax",
            "math.divide",
            "math.scalar_mul",
        ),
        *("nn.sigmoid", "nn.softplus", "nn.swish", "nn.tanh", "norm", "pad", "shape", "squeeze"),
        "transpose",
    )
)
