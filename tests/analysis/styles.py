"""Attention blocks as many hands write them, with Keras 3 and with Keras 2: none is this project's.

Each function is one hand's style of one block, its docstring says where such code is found. What is
computed is what the decorator names: a kind of the catalogue, several, or nothing at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Style(NamedTuple):
    """A way to write a block: `kinds` is what it is, `hidden` what of it cannot be read.

    `suffix` is how it is saved, where Keras itself cannot save it in another way.
    """

    write: Callable[..., Any]
    kinds: tuple[str, ...]
    hidden: tuple[str | None, ...] = ()
    shape: tuple[int | None, ...] = (12, 10, 16)
    suffix: str | None = None


KERAS_3: dict[str, Style] = {}
KERAS_2: dict[str, Style] = {}


def keras_3(*kinds: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of (keras, x)."""

    def register(write: Callable[..., Any]) -> Callable[..., Any]:
        KERAS_3[write.__name__] = Style(write, kinds, **more)
        return write

    return register


def keras_2(*kinds: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of (tf, keras, x), where keras is Keras 2."""

    def register(write: Callable[..., Any]) -> Callable[..., Any]:
        KERAS_2[write.__name__] = Style(write, kinds, **more)
        return write

    return register


# Squeeze-and-excitation.


@keras_3("se")
def se_of_the_first_ports(keras: Any, x: Any) -> Any:
    """In ports of SENet to Keras: pool, reshape, two dense layers without biases, multiply."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Reshape((1, 1, x.shape[-1]))(s)
    s = layers.Dense(4, activation="relu", kernel_initializer="he_normal", use_bias=False)(s)
    s = layers.Dense(x.shape[-1], activation="sigmoid", use_bias=False)(s)
    return layers.multiply([x, s])


@keras_3("se")
def se_channels_first_permuted(keras: Any, x: Any) -> Any:
    """In the same ports, for Theano's order: the gate is permuted, not the map."""
    layers = keras.layers
    x = layers.Permute((3, 1, 2))(x)
    x = layers.Conv2D(16, 3, padding="same", data_format="channels_first")(x)
    s = layers.GlobalAveragePooling2D(data_format="channels_first")(x)
    s = layers.Reshape((1, 1, 16))(s)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    s = layers.Permute((3, 1, 2))(s)
    x = layers.Multiply()([x, s])
    return layers.Permute((2, 3, 1))(x)


@keras_3("se")
def se_of_efficientnets(keras: Any, x: Any) -> Any:
    """In keras-efficientnet: two 1×1 convolutions, swish between them."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(name="se_squeeze")(x)
    s = layers.Reshape((1, 1, 16), name="se_reshape")(s)
    s = layers.Conv2D(4, 1, padding="same", activation="swish", name="se_reduce")(s)
    s = layers.Conv2D(16, 1, padding="same", activation="sigmoid", name="se_expand")(s)
    return layers.multiply([x, s], name="se_excite")


@keras_3("se")
def se_by_operators(keras: Any, x: Any) -> Any:
    """In notebooks: ops and operators alone around the dense layers."""
    ops = keras.ops
    s = ops.mean(x, axis=[1, 2])
    s = keras.layers.Dense(4)(s)
    s = ops.relu(s)
    s = keras.layers.Dense(16)(s)
    s = ops.sigmoid(s)
    return x * s[:, None, None, :]


@keras_3("se")
def se_by_a_sum(keras: Any, x: Any) -> Any:
    """In re-implementations from the paper: its sum over H and W, divided by H·W."""
    ops = keras.ops
    s = ops.sum(x, axis=(1, 2)) / (12 * 10)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * ops.reshape(s, (-1, 1, 1, 16))


@keras_3("se")
def se_by_a_sum_times_a_fraction(keras: Any, x: Any) -> Any:
    """In re-implementations from the paper: the sum over W, then over H, times 1/(H·W)."""
    ops = keras.ops
    s = ops.sum(ops.sum(x, axis=2, keepdims=True), axis=1, keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s * (1 / 120))
    return keras.layers.Multiply()([keras.layers.Dense(16, activation="sigmoid")(s), x])


@keras_3("se")
def se_mean_of_means(keras: Any, x: Any) -> Any:
    """In notebooks: one axis is averaged after the other."""
    ops = keras.ops
    s = ops.mean(ops.mean(x, axis=1), axis=1)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return ops.multiply(x, ops.expand_dims(ops.expand_dims(s, 1), 1))


@keras_3("se")
def se_by_expanding_two_axes(keras: Any, x: Any) -> Any:
    """In Keras 3 code: expand_dims of two axes at once, hard sigmoid as an op."""
    ops = keras.ops
    s = keras.layers.GlobalAveragePooling2D()(x)
    s = keras.layers.Dense(4, activation="gelu")(s)
    s = ops.hard_sigmoid(keras.layers.Dense(16)(s))
    return keras.layers.Multiply()([x, ops.expand_dims(s, axis=(1, 2))])


@keras_3("se")
def se_by_einsum(keras: Any, x: Any) -> Any:
    """By those who come from JAX: einsum scales."""
    s = keras.ops.einsum("bhwc->bc", x) / 120
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return keras.ops.einsum("bhwc,bc->bhwc", x, s)


@keras_3("se")
def se_upsampled(keras: Any, x: Any) -> Any:
    """In segmentation code: the gate is upsampled to the size of the map before it is applied."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(4, 1, activation="relu")(s)
    s = layers.Conv2D(16, 1, activation="sigmoid")(s)
    s = layers.UpSampling2D((12, 10))(s)
    return layers.Multiply()([x, s])


@keras_3("se")
def se_repeated(keras: Any, x: Any) -> Any:
    """In old Keras code: RepeatVector and Reshape make the gate as large as the map."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    s = layers.RepeatVector(120)(s)
    s = layers.Reshape((12, 10, 16))(s)
    return layers.Multiply()([x, s])


@keras_3("se")
def se_tiled(keras: Any, x: Any) -> Any:
    """In notebooks: ops.tile does the same."""
    ops = keras.ops
    s = ops.mean(x, axis=(1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * ops.tile(s, [1, 12, 10, 1])


@keras_3("se")
def se_repeated_by_ops(keras: Any, x: Any) -> Any:
    """In notebooks: ops.repeat, axis by axis."""
    ops = keras.ops
    s = ops.mean(x, axis=(1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * ops.repeat(ops.repeat(s, 12, axis=1), 10, axis=2)


@keras_3("se")
def se_over_a_sequence_of_places(keras: Any, x: Any) -> Any:
    """In hybrids with transformers: places in one row, averaged by the layer for sequences."""
    layers = keras.layers
    row = layers.Reshape((120, 16))(x)
    s = layers.GlobalAveragePooling1D()(row)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    s = layers.Reshape((1, 16))(s)
    return layers.Reshape((12, 10, 16))(layers.Multiply()([row, s]))


@keras_3("se")
def se_through_batch_norm(keras: Any, x: Any) -> Any:
    """In RegNets and ResNeSts: a batch norm between the convolutions."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(4, 1, use_bias=False)(s)
    s = layers.BatchNormalization()(s)
    s = layers.ReLU()(s)
    s = layers.Conv2D(16, 1)(s)
    return x * layers.Activation("sigmoid")(s)


@keras_3("unnamed")
def se_of_an_activated_map(keras: Any, x: Any) -> Any:
    """In pre-activation networks: what is pooled was activated, what is gated was not."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Multiply()([x, layers.Reshape((1, 1, 16))(s)])


@keras_3("se")
def se_hard_sigmoid_by_hand(keras: Any, x: Any) -> Any:
    """In ports of MobileNetV3: relu6(x + 3) / 6."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Conv2D(4, 1, activation="relu")(s)
    s = layers.Conv2D(16, 1)(s)
    s = layers.ReLU(6.0)(s + 3.0) * (1.0 / 6.0)
    return layers.Multiply()([x, s])


@keras_3("se")
def se_in_a_residual_block(keras: Any, x: Any) -> Any:
    """In SE-ResNets: the scaled map is added to the shortcut."""
    layers = keras.layers
    y = layers.Conv2D(16, 3, padding="same")(x)
    s = layers.AveragePooling2D((12, 10))(y)
    s = layers.Flatten()(s)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    y = layers.Multiply()([y, layers.Reshape((1, 1, 16))(s)])
    return layers.Activation("relu")(layers.Add()([x, y]))


@keras_3("se")
def se_sigmoid_by_hand(keras: Any, x: Any) -> Any:
    """In notebooks that spell everything: 1 / (1 + exp(-s))."""
    ops = keras.ops
    s = ops.mean(x, axis=(1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16)(s)
    return x * (1.0 / (1.0 + ops.exp(-s)))


@keras_3("se")
def se_for_signals(keras: Any, x: Any) -> Any:
    """In networks for time series: one dimension."""
    layers = keras.layers
    s = layers.GlobalAveragePooling1D()(x)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Multiply()([x, layers.Reshape((1, 16))(s)])


KERAS_3["se_for_signals"] = KERAS_3["se_for_signals"]._replace(shape=(40, 16))


@keras_3("se", shape=(6, 8, 8, 16))
def se_for_volumes(keras: Any, x: Any) -> Any:
    """In networks for scans: three dimensions."""
    layers = keras.layers
    s = layers.GlobalAveragePooling3D()(x)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Multiply()([x, layers.Reshape((1, 1, 1, 16))(s)])


@keras_3("se", shape=(None, None, 16))
def se_of_any_size(keras: Any, x: Any) -> Any:
    """In fully convolutional networks: height and width are dynamic."""
    layers = keras.layers
    s = keras.ops.mean(x, axis=(-3, -2), keepdims=True)
    s = layers.Conv2D(4, 1, activation="relu")(s)
    return layers.Multiply()([x, layers.Conv2D(16, 1, activation="sigmoid")(s)])


@keras_3("se")
def se_by_einsum_dense(keras: Any, x: Any) -> Any:
    """By those who come from JAX: EinsumDense for Dense."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.EinsumDense("bc,cs->bs", output_shape=4, activation="relu")(s)
    s = layers.EinsumDense("bs,sc->bc", output_shape=16, activation="sigmoid")(s)
    return x * layers.Reshape((1, 1, 16))(s)


# Effective squeeze-and-excitation.


@keras_3("ese")
def ese_of_vovnet(keras: Any, x: Any) -> Any:
    """In ports of VoVNet: one 1×1 convolution."""
    layers = keras.layers
    s = keras.ops.mean(x, axis=[1, 2], keepdims=True)
    s = layers.Conv2D(16, 1)(s)
    return x * keras.activations.hard_sigmoid(s)


@keras_3("ese")
def ese_dense(keras: Any, x: Any) -> Any:
    """In PP-HGNet's ports: a dense layer, and a true sigmoid."""
    layers = keras.layers
    s = layers.GlobalAvgPool2D()(x)
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Multiply()([s[:, None, None], x])


# Efficient channel attention.


@keras_3("eca")
def eca_expanded(keras: Any, x: Any) -> Any:
    """In Keras code for ECA: the means as a sequence, a 1-D convolution."""
    layers, ops = keras.layers, keras.ops
    s = layers.GlobalAveragePooling2D()(x)
    s = ops.expand_dims(s, -1)
    s = layers.Conv1D(1, 3, padding="same", use_bias=False)(s)
    s = ops.expand_dims(ops.transpose(s, (0, 2, 1)), 1)
    return x * ops.sigmoid(s)


@keras_3("eca")
def eca_padded_by_hand(keras: Any, x: Any) -> Any:
    """In ports from PyTorch: ops.pad, then a convolution without padding."""
    ops = keras.ops
    s = ops.mean(x, axis=(1, 2))
    s = ops.pad(s, [[0, 0], [1, 1]])
    s = ops.expand_dims(s, -1)
    s = keras.layers.Conv1D(1, 3, use_bias=False)(s)
    s = ops.reshape(ops.sigmoid(s), (-1, 1, 1, 16))
    return x * s


@keras_3("eca")
def eca_padded_by_a_layer(keras: Any, x: Any) -> Any:
    """In ports from PyTorch: ZeroPadding1D."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.ZeroPadding1D(1)(layers.Reshape((16, 1))(s))
    s = layers.Conv1D(1, 3, use_bias=False)(s)
    s = layers.Activation("sigmoid")(layers.Reshape((1, 1, 16))(s))
    return layers.Multiply()([x, s])


@keras_3("eca")
def eca_in_two_dimensions(keras: Any, x: Any) -> Any:
    """In ports that keep four axes: a 1×3 convolution over (1, C, 1)."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Permute((1, 3, 2))(s)
    s = layers.Conv2D(1, (1, 3), padding="same", use_bias=False, activation="sigmoid")(s)
    return layers.Multiply()([x, layers.Permute((1, 3, 2))(s)])


@keras_3("eca")
def eca_squeezed(keras: Any, x: Any) -> Any:
    """In keras_cv_attention_models' way: squeezed and turned, as its authors do in PyTorch."""
    ops = keras.ops
    s = ops.mean(x, axis=[1, 2], keepdims=True)
    s = ops.transpose(ops.squeeze(s, 1), (0, 2, 1))
    s = keras.layers.Conv1D(1, 3, padding="same", use_bias=False)(s)
    s = ops.expand_dims(ops.swapaxes(s, 1, 2), 1)
    return keras.layers.Multiply()([x, keras.layers.Activation("sigmoid")(s)])


@keras_3("ceca")
def eca_in_a_circle(keras: Any, x: Any) -> Any:
    """In ports of timm's circular ECA: both ends are put beside each other by slices."""
    layers, ops = keras.layers, keras.ops
    s = ops.mean(x, axis=(1, 2))
    s = ops.concatenate([s[:, -1:], s, s[:, :1]], axis=1)
    s = layers.Conv1D(1, 3, use_bias=False)(ops.expand_dims(s, -1))
    return x * ops.reshape(ops.sigmoid(s), (-1, 1, 1, 16))


# Convolutional block attention.


def _channel(keras: Any, x: Any) -> Any:
    layers = keras.layers
    one = layers.Dense(4, activation="relu")
    two = layers.Dense(16)
    mean = two(one(layers.GlobalAveragePooling2D()(x)))
    peak = two(one(layers.GlobalMaxPooling2D()(x)))
    s = layers.Activation("sigmoid")(layers.Add()([mean, peak]))
    return layers.Multiply()([x, layers.Reshape((1, 1, 16))(s)])


@keras_3("cbam")
def cbam_shared_dense(keras: Any, x: Any) -> Any:
    """In the well-known Keras port: shared dense layers, Concatenate, a 7×7 convolution."""
    layers, ops = keras.layers, keras.ops
    x = _channel(keras, x)
    pools = [ops.mean(x, axis=3, keepdims=True), ops.max(x, axis=3, keepdims=True)]
    s = layers.Concatenate(axis=3)(pools)
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False)(s)
    return layers.multiply([x, s])


@keras_3("cbam")
def cbam_stacked(keras: Any, x: Any) -> Any:
    """In notebooks: both pools in one tensor, put through the layers once, then summed."""
    layers, ops = keras.layers, keras.ops
    s = ops.stack([ops.mean(x, axis=(1, 2)), ops.max(x, axis=(1, 2))], axis=1)
    s = layers.Dense(16)(layers.Dense(4, activation="relu")(s))
    s = ops.sigmoid(ops.sum(s, axis=1))
    x = x * s[:, None, None, :]
    s = ops.stack([ops.mean(x, axis=-1), ops.max(x, axis=-1)], axis=-1)
    s = layers.Conv2D(1, 7, padding="same")(s)
    return x * ops.sigmoid(s)


@keras_3("cbam")
def cbam_by_convolutions(keras: Any, x: Any) -> Any:
    """In YOLO ports: 1×1 convolutions on pooled maps, batch norm in the spatial gate."""
    layers, ops = keras.layers, keras.ops
    one = layers.Conv2D(4, 1, use_bias=False)
    two = layers.Conv2D(16, 1, use_bias=False)
    mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
    peak = layers.GlobalMaxPooling2D(keepdims=True)(x)
    s = two(layers.ReLU()(one(mean))) + two(layers.ReLU()(one(peak)))
    x = ops.sigmoid(s) * x
    s = ops.concatenate([ops.max(x, -1, keepdims=True), ops.mean(x, -1, keepdims=True)], -1)
    s = layers.ZeroPadding2D(3)(s)
    s = layers.BatchNormalization()(layers.Conv2D(1, 7, use_bias=False)(s))
    return ops.sigmoid(s) * x


@keras_3("cbam")
def cbam_channels_first(keras: Any, x: Any) -> Any:
    """In ports from PyTorch that keep its order of axes, with ops alone for the pools."""
    layers, ops = keras.layers, keras.ops
    first = {"data_format": "channels_first"}
    x = layers.Conv2D(16, 3, padding="same", **first)(ops.transpose(x, (0, 3, 1, 2)))
    one, two = layers.Conv2D(4, 1, activation="relu", **first), layers.Conv2D(16, 1, **first)
    mean = ops.mean(x, axis=(2, 3), keepdims=True)
    peak = ops.max(x, axis=(2, 3), keepdims=True)
    x = x * ops.sigmoid(two(one(mean)) + two(one(peak)))
    s = ops.concatenate([ops.mean(x, 1, keepdims=True), ops.max(x, 1, keepdims=True)], axis=1)
    x = x * ops.sigmoid(layers.Conv2D(1, 7, padding="same", **first)(s))
    return ops.transpose(x, (0, 2, 3, 1))


@keras_3("spatial")
def spatial_alone(keras: Any, x: Any) -> Any:
    """In U-Nets with spatial attention (SA-UNet): the second half of CBAM alone."""
    layers, ops = keras.layers, keras.ops
    s = layers.Concatenate()([ops.amax(x, axis=-1, keepdims=True), ops.mean(x, -1, keepdims=True)])
    s = layers.Conv2D(1, 7, padding="same", use_bias=False)(s)
    return layers.Multiply()([layers.Activation("sigmoid")(s), x])


@keras_3("spatial")
def spatial_repeated(keras: Any, x: Any) -> Any:
    """In notebooks: the map is repeated to all channels before it is applied."""
    ops = keras.ops
    s = ops.stack([ops.mean(x, axis=-1), ops.max(x, axis=-1)], axis=-1)
    s = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(s)
    return x * ops.repeat(s, 16, axis=-1)


@keras_3("spatial")
def spatial_by_einsum(keras: Any, x: Any) -> Any:
    """By those who come from JAX: einsum scales each place."""
    ops = keras.ops
    s = ops.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)], -1)
    s = keras.layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)
    return ops.einsum("bhwc,bhw->bhwc", x, ops.squeeze(s, -1))


# Concurrent spatial and channel squeeze-and-excitation.


@keras_3("scse")
def scse_added(keras: Any, x: Any) -> Any:
    """In segmentation_models: both gates applied, then added."""
    layers = keras.layers
    c = layers.GlobalAveragePooling2D()(x)
    c = layers.Dense(8, activation="relu")(c)
    c = layers.Reshape((1, 1, 16))(layers.Dense(16, activation="sigmoid")(c))
    s = layers.Conv2D(1, (1, 1), activation="sigmoid", use_bias=False)(x)
    return layers.Add()([layers.Multiply()([x, c]), layers.Multiply()([x, s])])


@keras_3("scse")
def scse_gates_added(keras: Any, x: Any) -> Any:
    """In notebooks: the gates are added, the map is scaled once."""
    layers, ops = keras.layers, keras.ops
    c = layers.Dense(8, activation="relu")(ops.mean(x, (1, 2), keepdims=True))
    c = layers.Dense(16, activation="sigmoid")(c)
    s = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return x * (c + s)


@keras_3("scse")
def scse_maximum(keras: Any, x: Any) -> Any:
    """In ports of the authors' later code: the larger of the two, by operators."""
    layers, ops = keras.layers, keras.ops
    s = x * ops.sigmoid(layers.Conv2D(1, 1)(x))
    c = layers.Dense(16, activation="sigmoid")(
        layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    )
    return ops.maximum(c * x, s)


# Global context.


@keras_3("gc")
def gc_by_dot(keras: Any, x: Any) -> Any:
    """In Keras code for GCNet: Dot sums the places by their weights."""
    layers = keras.layers
    w = layers.Reshape((120, 1))(layers.Conv2D(1, 1)(x))
    w = layers.Softmax(axis=1)(w)
    s = layers.Dot(axes=1)([layers.Reshape((120, 16))(x), w])
    s = layers.Reshape((1, 1, 16))(s)
    s = layers.Conv2D(4, 1)(s)
    s = layers.ReLU()(layers.LayerNormalization()(s))
    return layers.Add()([x, layers.Conv2D(16, 1)(s)])


@keras_3("gc")
def gc_by_einsum(keras: Any, x: Any) -> Any:
    """By those who come from JAX: einsum over both axes, softmax over both at once."""
    layers, ops = keras.layers, keras.ops
    w = ops.softmax(layers.Conv2D(1, 1)(x), axis=(1, 2))
    s = ops.einsum("bhwc,bhwk->bc", x, w)
    s = layers.LayerNormalization()(layers.Dense(4)(s))
    s = layers.Dense(16)(ops.relu(s))
    return x + ops.reshape(s, (-1, 1, 1, 16))


@keras_3("gc")
def gc_by_a_weighted_sum(keras: Any, x: Any) -> Any:
    """In notebooks: the weights multiply the map, and a sum is taken over the places."""
    layers, ops = keras.layers, keras.ops
    w = layers.Activation("softmax")(layers.Flatten()(layers.Conv2D(1, 1)(x)))
    w = layers.Reshape((12, 10, 1))(w)
    s = ops.sum(x * w, axis=(1, 2), keepdims=True)
    s = layers.Conv2D(4, 1)(s)
    s = layers.Activation("relu")(layers.LayerNormalization(axis=-1)(s))
    s = layers.Conv2D(16, 1)(s)
    return layers.add([x, s])


@keras_3("gc")
def gc_by_matmul(keras: Any, x: Any) -> Any:
    """In ports from PyTorch: (B, C, HW) times (B, HW, 1)."""
    layers, ops = keras.layers, keras.ops
    rows = ops.transpose(ops.reshape(x, (-1, 120, 16)), (0, 2, 1))
    w = ops.softmax(ops.reshape(layers.Conv2D(1, 1)(x), (-1, 120, 1)), axis=1)
    s = ops.reshape(ops.matmul(rows, w), (-1, 1, 1, 16))
    s = layers.Conv2D(4, 1)(s)
    s = layers.Conv2D(16, 1)(ops.relu(layers.LayerNormalization(axis=[1, 2, 3])(s)))
    return x + s


@keras_3("gc")
def gc_multiplied(keras: Any, x: Any) -> Any:
    """In timm's way: the context is a gate and not a summand."""
    layers, ops = keras.layers, keras.ops
    w = ops.softmax(ops.reshape(layers.Conv2D(1, 1)(x), (-1, 1, 120)))
    s = ops.matmul(w, ops.reshape(x, (-1, 120, 16)))
    s = layers.Dense(4)(layers.Reshape((1, 1, 16))(s))
    s = layers.Dense(16)(ops.relu(layers.LayerNormalization()(s)))
    return x * ops.sigmoid(s)


# Coordinate attention.


@keras_3("coord")
def coord_of_its_authors(keras: Any, x: Any) -> Any:
    """As its authors write it: the map times one gate, times the other."""
    layers, ops = keras.layers, keras.ops
    rows = layers.AveragePooling2D((1, 10))(x)
    columns = ops.transpose(layers.AveragePooling2D((12, 1))(x), (0, 2, 1, 3))
    s = layers.Concatenate(axis=1)([rows, columns])
    s = layers.BatchNormalization()(layers.Conv2D(8, 1)(s))
    s = s * ops.relu6(s + 3) / 6
    rows, columns = ops.split(s, [12], axis=1)
    rows = layers.Conv2D(16, 1, activation="sigmoid")(rows)
    columns = layers.Conv2D(16, 1, activation="sigmoid")(ops.transpose(columns, (0, 2, 1, 3)))
    return x * columns * rows


@keras_3("coord")
def coord_by_slices(keras: Any, x: Any) -> Any:
    """In notebooks: means by ops, slices for the split, one product of all three."""
    layers, ops = keras.layers, keras.ops
    rows = ops.mean(x, axis=2)
    columns = ops.mean(x, axis=1)
    s = ops.concatenate([rows, columns], axis=1)
    s = layers.Conv1D(8, 1)(s)
    s = layers.Activation("hard_swish")(layers.BatchNormalization()(s))
    rows = ops.sigmoid(layers.Conv1D(16, 1)(s[:, :12]))
    columns = ops.sigmoid(layers.Conv1D(16, 1)(s[:, 12:]))
    return layers.Multiply()([x, ops.expand_dims(rows, 2), ops.expand_dims(columns, 1)])


@keras_3("coord")
def coord_gates_first(keras: Any, x: Any) -> Any:
    """In re-implementations: the gates are multiplied with each other first."""
    layers, ops = keras.layers, keras.ops
    rows = ops.mean(x, axis=2, keepdims=True)
    columns = layers.Permute((2, 1, 3))(ops.mean(x, axis=1, keepdims=True))
    s = layers.Activation("swish")(layers.Dense(8)(layers.Concatenate(axis=1)([rows, columns])))
    rows = layers.Dense(16, activation="sigmoid")(layers.Cropping2D(((0, 10), (0, 0)))(s))
    columns = layers.Dense(16, activation="sigmoid")(layers.Cropping2D(((12, 0), (0, 0)))(s))
    return layers.multiply([x, layers.multiply([rows, layers.Permute((2, 1, 3))(columns)])])


# SimAM.


@keras_3("simam")
def simam_squared_by_operators(keras: Any, x: Any) -> Any:
    """In ports of its authors' code: ** 2, a sum over n, + 0.5."""
    ops = keras.ops
    n = 12 * 10 - 1
    d = (x - ops.mean(x, axis=[1, 2], keepdims=True)) ** 2
    v = ops.sum(d, axis=[1, 2], keepdims=True) / n
    return x * ops.sigmoid(d / (4 * (v + 1e-4)) + 0.5)


@keras_3("simam")
def simam_by_power(keras: Any, x: Any) -> Any:
    """In ports of its authors' code: power, and layers around it."""
    layers, ops = keras.layers, keras.ops
    mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
    d = ops.power(layers.Subtract()([x, mean]), 2)
    v = ops.divide(ops.sum(d, axis=(1, 2), keepdims=True), 119.0)
    e = ops.divide(d, ops.multiply(ops.add(v, 1e-4), 4.0)) + 0.5
    return layers.Multiply()([x, layers.Activation("sigmoid")(e)])


@keras_3("simam")
def simam_by_variance(keras: Any, x: Any) -> Any:
    """In notebooks: the variance by ops.var."""
    ops = keras.ops
    d = ops.square(x - ops.mean(x, axis=(1, 2), keepdims=True))
    e = d / (4 * (ops.var(x, axis=(1, 2), keepdims=True) + 1e-4)) + 0.5
    return ops.multiply(ops.sigmoid(e), x)


@keras_3("simam")
def simam_times_itself(keras: Any, x: Any) -> Any:
    """In notebooks: the distance times itself, mean for sum."""
    ops = keras.ops
    d = x - ops.mean(ops.mean(x, 1, keepdims=True), 2, keepdims=True)
    d = d * d
    v = ops.mean(d, axis=(1, 2), keepdims=True)
    return x * keras.activations.sigmoid(d / (4.0 * v + 4e-4) + 0.5)


# Gated channel transformation.


@keras_3("gct")
def gct_by_depthwise(keras: Any, x: Any) -> Any:
    """In ports without custom layers: depthwise 1×1 convolutions for alpha, gamma and beta."""
    layers, ops = keras.layers, keras.ops
    s = (ops.sum(x**2, axis=(1, 2), keepdims=True) + 1e-5) ** 0.5
    s = layers.DepthwiseConv2D(1, use_bias=False)(s)
    n = (ops.mean(s**2, axis=-1, keepdims=True) + 1e-5) ** 0.5
    return x * (1.0 + ops.tanh(layers.DepthwiseConv2D(1)(s / n)))


@keras_3("gct")
def gct_by_rsqrt(keras: Any, x: Any) -> Any:
    """In ports of its authors' code: the norm divides by way of rsqrt."""
    layers, ops = keras.layers, keras.ops
    s = ops.sqrt(ops.sum(ops.square(x), axis=[1, 2], keepdims=True) + 1e-5)
    s = layers.DepthwiseConv2D(1, use_bias=False)(s)
    s = s * ops.rsqrt(ops.mean(ops.square(s), axis=-1, keepdims=True) + 1e-5)
    s = layers.Activation("tanh")(layers.DepthwiseConv2D(1)(s))
    return layers.Multiply()([x, s + 1])


@keras_3("gct")
def gct_by_norm(keras: Any, x: Any) -> Any:
    """In notebooks: ops.norm for the norm of each channel."""
    layers, ops = keras.layers, keras.ops
    s = ops.norm(ops.reshape(x, (-1, 120, 16)), axis=1)
    s = layers.DepthwiseConv2D(1, use_bias=False)(ops.reshape(s, (-1, 1, 1, 16)))
    s = ops.normalize(s, axis=-1) * 4.0
    return x * (ops.tanh(layers.DepthwiseConv2D(1)(s)) + 1.0)


# Style-based recalibration.


@keras_3("srm")
def srm_by_grouped_convolution(keras: Any, x: Any) -> Any:
    """In ports from PyTorch: mean and deviation stacked, a convolution with C groups."""
    layers, ops = keras.layers, keras.ops
    s = ops.stack([ops.mean(x, (1, 2)), ops.std(x, (1, 2))], axis=1)
    s = layers.Conv1D(16, 2, groups=16, use_bias=False)(s)
    s = layers.Activation("sigmoid")(layers.BatchNormalization()(s))
    return x * layers.Reshape((1, 1, 16))(s)


@keras_3("srm")
def srm_by_depthwise(keras: Any, x: Any) -> Any:
    """In Keras code: moments, a root, a depthwise convolution over both."""
    layers, ops = keras.layers, keras.ops
    mean, variance = ops.moments(x, axes=[1, 2], keepdims=True)
    s = layers.Concatenate(axis=1)([mean, ops.sqrt(variance + 1e-5)])
    s = layers.DepthwiseConv2D((2, 1), use_bias=False)(s)
    return x * ops.sigmoid(layers.BatchNormalization()(s))


@keras_3("srm")
def srm_deviation_by_hand(keras: Any, x: Any) -> Any:
    """In notebooks: the mean of squares less the square of the mean."""
    layers, ops = keras.layers, keras.ops
    mean = ops.mean(x, axis=(1, 2))
    deviation = ops.sqrt(ops.mean(ops.square(x), axis=(1, 2)) - ops.square(mean) + 1e-5)
    s = ops.stack([mean, deviation], axis=-1)
    s = layers.EinsumDense("bck,ck->bc", output_shape=16)(s)
    s = layers.BatchNormalization()(s)
    return x * ops.sigmoid(s)[:, None, None, :]


# Bottleneck attention.


@keras_3("bam")
def bam_one_plus(keras: Any, x: Any) -> Any:
    """As its authors write it: the map times one plus the gate."""
    layers, ops = keras.layers, keras.ops
    c = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    c = layers.Dense(16)(layers.ReLU()(layers.BatchNormalization()(c)))
    s = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 1)(x)))
    for _ in range(2):
        s = layers.Conv2D(4, 3, padding="same", dilation_rate=4)(s)
        s = layers.ReLU()(layers.BatchNormalization()(s))
    s = layers.Conv2D(1, 1)(s)
    return x * (1 + ops.sigmoid(c[:, None, None, :] * s))


@keras_3("bam")
def bam_added(keras: Any, x: Any) -> Any:
    """From the paper: both branches added, the scaled map added to the map."""
    layers = keras.layers
    c = layers.GlobalAveragePooling2D(keepdims=True)(x)
    c = layers.Conv2D(16, 1)(layers.Conv2D(4, 1, activation="relu")(c))
    c = layers.UpSampling2D((12, 10))(c)
    s = layers.Conv2D(4, 1, activation="relu")(x)
    s = layers.Conv2D(4, 3, padding="same", dilation_rate=4, activation="relu")(s)
    s = layers.Conv2D(4, 3, padding="same", dilation_rate=4, activation="relu")(s)
    s = layers.Conv2D(1, 1)(s)
    s = layers.Activation("sigmoid")(layers.Add()([c, s]))
    return layers.Add()([x, layers.Multiply()([x, s])])


# Triplet attention.


@keras_3("triplet")
def triplet_of_turned_maps(keras: Any, x: Any) -> Any:
    """As its authors write it: the map is turned, gated, and turned back; a third of the sum."""
    layers, ops = keras.layers, keras.ops

    def gate(y: Any) -> Any:
        s = ops.concatenate([ops.max(y, -1, keepdims=True), ops.mean(y, -1, keepdims=True)], -1)
        s = layers.BatchNormalization()(layers.Conv2D(1, 7, padding="same", use_bias=False)(s))
        return y * ops.sigmoid(s)

    one = ops.transpose(gate(ops.transpose(x, (0, 3, 2, 1))), (0, 3, 2, 1))
    two = ops.transpose(gate(ops.transpose(x, (0, 1, 3, 2))), (0, 1, 3, 2))
    return (one + two + gate(x)) / 3.0


@keras_3("triplet")
def triplet_by_layers(keras: Any, x: Any) -> Any:
    """In Keras code: Permute layers, and Average."""
    layers, ops = keras.layers, keras.ops

    def gate(y: Any) -> Any:
        s = layers.Concatenate()([ops.max(y, 3, keepdims=True), ops.mean(y, 3, keepdims=True)])
        s = layers.Conv2D(1, 7, padding="same", use_bias=False)(s)
        return layers.Multiply()([y, layers.Activation("sigmoid")(layers.BatchNormalization()(s))])

    one = layers.Permute((3, 2, 1))(gate(layers.Permute((3, 2, 1))(x)))
    two = layers.Permute((1, 3, 2))(gate(layers.Permute((1, 3, 2))(x)))
    return layers.Average()([gate(x), one, two])


@keras_3("triplet")
def triplet_scaled_before_the_sum(keras: Any, x: Any) -> Any:
    """In notebooks: each branch times a third."""
    layers, ops = keras.layers, keras.ops

    def gate(axis: int, turn: tuple[int, ...], back: tuple[int, ...]) -> Any:
        s = ops.concatenate(
            [ops.mean(x, axis, keepdims=True), ops.max(x, axis, keepdims=True)], axis
        )
        s = layers.Conv2D(1, 5, padding="same", activation="sigmoid")(ops.transpose(s, turn))
        return x * ops.transpose(s, back) * (1 / 3)

    one = gate(1, (0, 2, 3, 1), (0, 3, 1, 2))
    two = gate(2, (0, 1, 3, 2), (0, 1, 3, 2))
    return layers.Add()([one, two, gate(3, (0, 1, 2, 3), (0, 1, 2, 3))])


# Keras 2, with TensorFlow's functions.


@keras_2("se")
def se_by_reduce_mean(tf: Any, keras: Any, x: Any) -> Any:
    """In repositories of attention in TensorFlow: reduce_mean, reshape, the function multiply."""
    s = tf.reduce_mean(x, [1, 2], keepdims=False)
    s = keras.layers.Dense(4, use_bias=True)(s)
    s = keras.layers.ReLU()(s)
    s = keras.layers.Dense(16)(s)
    s = tf.math.sigmoid(tf.reshape(s, (-1, 1, 1, 16)))
    return tf.multiply(x, s)


@keras_2("se")
def se_by_expand_dims(tf: Any, keras: Any, x: Any) -> Any:
    """In repositories of attention in TensorFlow: expand_dims twice, then tile."""
    s = keras.layers.GlobalAvgPool2D()(x)
    s = keras.layers.Dense(4, use_bias=False, activation="relu")(s)
    s = keras.layers.Dense(16, use_bias=False, activation="sigmoid")(s)
    s = tf.expand_dims(tf.expand_dims(s, axis=1), axis=2)
    return x * tf.tile(s, (1, 12, 10, 1))


@keras_2("se")
def se_broadcast(tf: Any, keras: Any, x: Any) -> Any:
    """In ports: broadcast_to the shape of the map, which is dynamic for TensorFlow."""
    s = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    s = keras.layers.Conv2D(4, 1, activation=tf.nn.relu)(s)
    s = keras.layers.Conv2D(16, 1, activation=tf.nn.sigmoid)(s)
    return x * tf.broadcast_to(s, tf.shape(x))


@keras_2("se")
def se_sum_over_dynamic_size(tf: Any, keras: Any, x: Any) -> Any:
    """In re-implementations: the sum is divided by H·W as tf.shape tells them."""
    places = tf.cast(tf.shape(x)[1] * tf.shape(x)[2], tf.float32)
    s = tf.reduce_sum(x, axis=[1, 2]) / places
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * s[:, tf.newaxis, tf.newaxis, :]


@keras_2("se")
def se_by_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend for all that layers lack."""
    k = keras.backend
    s = k.mean(x, axis=[1, 2])
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16)(s)
    s = k.expand_dims(k.expand_dims(k.sigmoid(s), 1), 1)
    return keras.layers.multiply([x, s])


@keras_2("se")
def se_hard_sigmoid_of_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of MobileNetV3: the activation is called as a function."""
    s = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.activations.hard_sigmoid(keras.layers.Dense(16)(s))
    return keras.layers.Multiply()([s, x])


@keras_2("se")
def se_swish_by_hand(tf: Any, keras: Any, x: Any) -> Any:
    """In EfficientNet ports: the swish between is x · sigmoid(x)."""
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = keras.layers.Conv2D(4, 1)(s)
    s = s * tf.sigmoid(s)
    s = tf.sigmoid(keras.layers.Conv2D(16, 1)(s))
    return s * x


@keras_2("se")
def se_pooled_by_tf_nn(tf: Any, keras: Any, x: Any) -> Any:
    """In TF-slim's descendants: tf.nn.avg_pool2d over all of it, then squeeze."""
    s = tf.nn.avg_pool2d(x, ksize=[12, 10], strides=1, padding="VALID")
    s = tf.squeeze(s, axis=[1, 2])
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * tf.reshape(s, [-1, 1, 1, 16])


@keras_2("se")
def se_repeated_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: tf.repeat along both axes."""
    s = tf.reduce_mean(x, axis=(1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    s = tf.repeat(tf.repeat(s, repeats=12, axis=1), repeats=10, axis=2)
    return tf.math.multiply(x, s)


@keras_2("se")
def se_times_ones(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: ones_like the map makes the gate as large."""
    s = tf.reduce_mean(x, axis=(1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s) * tf.ones_like(x)
    return x * s


@keras_2("se")
def se_resized(tf: Any, keras: Any, x: Any) -> Any:
    """In segmentation code: tf.image.resize blows the gate up."""
    s = keras.layers.GlobalAveragePooling2D()(x)
    s = keras.layers.Reshape((1, 1, 16))(s)
    s = keras.layers.Conv2D(4, 1, activation="relu")(s)
    s = keras.layers.Conv2D(16, 1, activation="sigmoid")(s)
    return keras.layers.Multiply()([x, tf.image.resize(s, (12, 10))])


@keras_2("ese")
def ese_by_relu6(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of VoVNet: relu6(x + 3) / 6 with TensorFlow's functions."""
    s = tf.reduce_mean(x, [1, 2], keepdims=True)
    s = keras.layers.Conv2D(16, 1)(s)
    return x * (tf.nn.relu6(s + 3.0) / 6.0)


@keras_2("eca")
def eca_turned_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In repositories of attention in TensorFlow: squeezed, turned, expanded."""
    s = tf.reduce_mean(x, [1, 2], keepdims=True)
    s = tf.transpose(tf.squeeze(s, axis=1), [0, 2, 1])
    s = keras.layers.Conv1D(1, 3, padding="same", use_bias=False)(s)
    s = tf.expand_dims(tf.transpose(s, [0, 2, 1]), 1)
    return x * tf.math.sigmoid(s)


@keras_2("eca")
def eca_turned_by_compat_v1(tf: Any, keras: Any, x: Any) -> Any:
    """In code that was moved from TensorFlow 1: tf.compat.v1 by its full name."""
    v1 = tf.compat.v1
    s = v1.reduce_mean(x, axis=[1, 2], keepdims=True)
    s = v1.transpose(v1.squeeze(s, axis=[1]), perm=[0, 2, 1])
    s = v1.pad(s, [[0, 0], [1, 1], [0, 0]])
    s = keras.layers.Conv1D(1, 3, use_bias=False, activation="sigmoid")(s)
    return x * v1.transpose(v1.expand_dims(s, 1), [0, 1, 3, 2])


@keras_2("eca")
def eca_in_three_axes(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code for ECA: the gate keeps three axes, and the layer finds the fourth."""
    layers = keras.layers
    s = layers.Reshape((16, 1))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv1D(1, kernel_size=3, padding="same", use_bias=False)(s)
    s = layers.Reshape((1, 16))(layers.Activation("sigmoid")(s))
    return layers.multiply([x, s])


@keras_2("eca")
def eca_padded_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports from PyTorch: tf.pad by name of its arguments."""
    s = tf.expand_dims(keras.layers.GlobalAveragePooling2D()(x), axis=-1)
    s = tf.pad(s, paddings=[[0, 0], [2, 2], [0, 0]], mode="CONSTANT")
    s = keras.layers.Conv1D(1, 5, padding="valid", use_bias=False)(s)
    s = tf.nn.sigmoid(tf.reshape(s, [-1, 1, 1, 16]))
    return keras.layers.Multiply()([x, s])


@keras_2("ceca")
def ceca_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of timm: concat of the ends."""
    s = keras.layers.GlobalAveragePooling2D()(x)
    s = tf.concat([s[:, 15:], s, s[:, :1]], axis=1)
    s = keras.layers.Conv1D(1, 3, use_bias=False)(tf.expand_dims(s, 2))
    return x * tf.sigmoid(s)[:, tf.newaxis, tf.newaxis, :, 0]


@keras_2("cbam")
def cbam_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In repositories of attention in TensorFlow: reduce_mean, reduce_max, concat."""
    layers = keras.layers
    one, two = layers.Dense(4, activation="relu"), layers.Dense(16)
    mean = two(one(tf.reduce_mean(x, axis=[1, 2], keepdims=True)))
    peak = two(one(tf.reduce_max(x, axis=[1, 2], keepdims=True)))
    x = x * tf.nn.sigmoid(mean + peak)
    s = [tf.reduce_mean(x, axis=3, keepdims=True), tf.reduce_max(x, axis=3, keepdims=True)]
    s = layers.Conv2D(1, 7, padding="same", use_bias=False)(tf.concat(s, axis=3))
    return x * tf.nn.sigmoid(s)


@keras_2("cbam")
def cbam_by_stack(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: stack in place of concat, activations in the layers."""
    layers = keras.layers
    one, two = layers.Dense(4, activation="relu"), layers.Dense(16)
    s = two(one(layers.GlobalAvgPool2D()(x))) + two(one(layers.GlobalMaxPool2D()(x)))
    x = x * tf.reshape(tf.sigmoid(s), [-1, 1, 1, 16])
    s = tf.stack([tf.reduce_mean(x, -1), tf.reduce_max(x, -1)], axis=-1)
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)
    return layers.Multiply()([x, s])


@keras_2("spatial")
def spatial_tiled(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: the map is tiled to all channels."""
    s = tf.concat(
        [tf.reduce_max(x, -1, keepdims=True), tf.reduce_mean(x, -1, keepdims=True)], axis=-1
    )
    s = keras.layers.Conv2D(1, 7, padding="same")(s)
    return x * tf.tile(tf.sigmoid(s), [1, 1, 1, 16])


@keras_2("spatial")
def spatial_by_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In U-Nets with spatial attention: keras.backend called outside of layers."""
    k, layers = keras.backend, keras.layers
    s = layers.Concatenate(axis=3)([k.mean(x, axis=3, keepdims=True), k.max(x, 3, keepdims=True)])
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False)(s)
    return layers.multiply([x, s])


@keras_2("scse")
def scse_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In segmentation notebooks: add of two products."""
    layers = keras.layers
    c = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    c = layers.Conv2D(16, 1, activation="sigmoid")(layers.Conv2D(8, 1, activation="relu")(c))
    s = layers.Conv2D(1, 1, activation="sigmoid")(x)
    return tf.add(tf.multiply(x, c), tf.multiply(x, s))


@keras_2("gc")
def gc_by_tf_matmul(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of GCNet: matmul with the first turned by its argument."""
    layers = keras.layers
    w = tf.reshape(layers.Conv2D(1, 1)(x), [-1, 120, 1])
    w = tf.nn.softmax(w, axis=1)
    s = tf.matmul(tf.reshape(x, [-1, 120, 16]), w, transpose_a=True)
    s = tf.reshape(s, [-1, 1, 1, 16])
    s = layers.LayerNormalization()(layers.Conv2D(4, 1)(s))
    return x + layers.Conv2D(16, 1)(tf.nn.relu(s))


@keras_2("gc")
def gc_by_keras_dot(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code for GCNet: Dot over the places."""
    layers = keras.layers
    w = layers.Activation("softmax")(layers.Flatten()(layers.Conv2D(1, 1)(x)))
    s = layers.Dot(axes=1)([w, layers.Reshape((120, 16))(x)])
    s = layers.Reshape((1, 1, 16))(s)
    s = layers.ReLU()(layers.LayerNormalization()(layers.Conv2D(4, 1)(s)))
    return layers.Add()([layers.Conv2D(16, 1)(s), x])


@keras_2("gc")
def gc_by_reduce_sum(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: reduce_sum of the weighed map."""
    layers = keras.layers
    w = layers.Softmax(axis=[1, 2])(layers.Conv2D(1, 1)(x))
    s = tf.reduce_sum(x * w, axis=[1, 2], keepdims=True)
    s = layers.LayerNormalization()(layers.Conv2D(4, 1)(s))
    return tf.add(x, layers.Conv2D(16, 1)(tf.nn.relu(s)))


@keras_2("coord")
def coord_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of its authors' code: pools as layers, transposes and splits as functions."""
    layers = keras.layers
    rows = layers.AveragePooling2D(pool_size=(1, 10), strides=(1, 1))(x)
    columns = layers.AveragePooling2D(pool_size=(12, 1), strides=(1, 1))(x)
    columns = tf.transpose(columns, [0, 2, 1, 3])
    s = layers.concatenate([rows, columns], axis=1)
    s = layers.BatchNormalization()(layers.Conv2D(8, 1)(s))
    s = s * (layers.ReLU(max_value=6)(s + 3) / 6)
    rows, columns = tf.split(s, num_or_size_splits=[12, 10], axis=1)
    columns = tf.transpose(columns, [0, 2, 1, 3])
    rows = layers.Conv2D(16, 1, activation="sigmoid")(rows)
    columns = layers.Conv2D(16, 1, activation="sigmoid")(columns)
    return x * rows * columns


@keras_2("coord")
def coord_by_slices_of_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: slices for the split."""
    layers = keras.layers
    rows = tf.reduce_mean(x, axis=2, keepdims=True)
    columns = tf.transpose(tf.reduce_mean(x, axis=1, keepdims=True), perm=[0, 2, 1, 3])
    s = tf.nn.swish(layers.BatchNormalization()(layers.Conv2D(8, 1)(tf.concat([rows, columns], 1))))
    rows = tf.sigmoid(layers.Conv2D(16, 1)(s[:, :12, :, :]))
    columns = tf.sigmoid(layers.Conv2D(16, 1)(tf.transpose(s[:, 12:, :, :], [0, 2, 1, 3])))
    return layers.Multiply()([x, rows, columns])


@keras_2("simam")
def simam_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of its authors' code: square, reduce_sum, a division by n."""
    d = tf.square(x - tf.reduce_mean(x, axis=[1, 2], keepdims=True))
    v = tf.reduce_sum(d, axis=[1, 2], keepdims=True) / 119
    return x * tf.nn.sigmoid(d / (4.0 * (v + 1e-4)) + 0.5)


@keras_2("simam")
def simam_by_pow(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: tf.pow, and tf.math throughout."""
    d = tf.pow(tf.subtract(x, tf.reduce_mean(x, axis=[1, 2], keepdims=True)), 2)
    v = tf.divide(tf.reduce_sum(d, axis=[1, 2], keepdims=True), 119.0)
    e = tf.add(tf.divide(d, tf.multiply(4.0, tf.add(v, 1e-4))), 0.5)
    return tf.multiply(x, keras.activations.sigmoid(e))


@keras_2("simam")
def simam_by_moments(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: tf.nn.moments gives both."""
    mean, v = tf.nn.moments(x, axes=[1, 2], keepdims=True)
    d = tf.math.squared_difference(x, mean)
    return x * tf.sigmoid(d / (4 * (v + 1e-4)) + 0.5)


@keras_2("gct")
def gct_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of its authors' code: reduce_sum of squares, pow of a half."""
    layers = keras.layers
    s = tf.pow(tf.reduce_sum(tf.pow(x, 2), axis=[1, 2], keepdims=True) + 1e-5, 0.5)
    s = layers.DepthwiseConv2D(1, use_bias=False)(s)
    n = tf.sqrt(tf.reduce_mean(tf.square(s), axis=-1, keepdims=True) + 1e-5)
    return x * (1.0 + tf.tanh(layers.DepthwiseConv2D(1)(s / n)))


@keras_2("gct")
def gct_by_tf_norm(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: tf.norm, and l2_normalize."""
    layers = keras.layers
    s = tf.norm(x, axis=[1, 2], keepdims=True)
    s = layers.DepthwiseConv2D(1, use_bias=False)(s)
    s = tf.math.l2_normalize(s, axis=-1) * 4.0
    return x * (tf.nn.tanh(layers.DepthwiseConv2D(1)(s)) + 1.0)


@keras_2("srm")
def srm_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports from PyTorch: mean and deviation, a convolution with C groups."""
    layers = keras.layers
    mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    deviation = tf.math.reduce_std(x, axis=[1, 2], keepdims=True)
    s = layers.Conv2D(16, (2, 1), groups=16, use_bias=False)(tf.concat([mean, deviation], 1))
    return x * tf.sigmoid(layers.BatchNormalization()(s))


@keras_2("srm")
def srm_by_moments(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code: moments, a root of the variance, a locally connected layer."""
    layers = keras.layers
    mean, variance = tf.nn.moments(x, axes=[1, 2])
    s = tf.stack([mean, tf.sqrt(variance + 1e-5)], axis=-1)
    s = layers.LocallyConnected1D(1, 1, use_bias=False)(s)
    s = layers.BatchNormalization()(layers.Reshape((1, 1, 16))(s))
    return layers.Multiply()([x, layers.Activation("sigmoid")(s)])


@keras_2("bam")
def bam_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports of its authors' code: the channel's branch is tiled before the sum."""
    layers = keras.layers
    c = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    c = layers.Dense(16)(tf.nn.relu(layers.BatchNormalization()(c)))
    c = tf.tile(tf.reshape(c, [-1, 1, 1, 16]), [1, 12, 10, 1])
    s = layers.Conv2D(4, 1)(x)
    for _ in range(2):
        s = layers.Conv2D(4, 3, padding="same", dilation_rate=4)(tf.nn.relu(s))
    s = tf.tile(layers.Conv2D(1, 1)(tf.nn.relu(s)), [1, 1, 1, 16])
    return x + x * tf.sigmoid(c + s)


@keras_2("triplet")
def triplet_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """As its authors write it: the map is turned by tf.transpose."""
    layers = keras.layers

    def gate(y: Any) -> Any:
        s = [tf.reduce_max(y, axis=-1, keepdims=True), tf.reduce_mean(y, axis=-1, keepdims=True)]
        s = layers.Conv2D(1, 7, padding="same", use_bias=False)(tf.concat(s, axis=-1))
        return y * tf.sigmoid(layers.BatchNormalization()(s))

    one = tf.transpose(gate(tf.transpose(x, [0, 3, 2, 1])), [0, 3, 2, 1])
    two = tf.transpose(gate(tf.transpose(x, [0, 1, 3, 2])), [0, 1, 3, 2])
    return 1 / 3 * (gate(x) + one + two)


# Nothing: what scales a map, and is no attention block.


@keras_3()
def no_swish(keras: Any, x: Any) -> Any:
    """In many networks: activations that are products, spelt out."""
    ops = keras.ops
    y = x * ops.sigmoid(x)
    y = y * ops.relu6(y + 3) / 6
    y = 0.5 * y * (1 + ops.tanh(0.79788456 * (y + 0.044715 * y**3)))
    y = 0.5 * y * (1 + ops.erf(y / 1.41421356))
    return y * ops.tanh(ops.softplus(y))


@keras_3()
def no_gated_linear_unit(keras: Any, x: Any) -> Any:
    """In language models and WaveNets: one half or one layer gates another."""
    layers, ops = keras.layers, keras.ops
    y = layers.Dense(16)(x) * layers.Dense(16, activation="sigmoid")(x)
    a, b = ops.split(layers.Dense(32)(y), 2, axis=-1)
    y = a * ops.sigmoid(b)
    y = layers.Dense(32)(y)
    y = layers.Multiply()([y[..., :16], layers.Activation("gelu")(y[..., 16:])])
    return y * layers.Dense(16, activation="sigmoid")(y)


@keras_3("unnamed", "unnamed")
def film_of_the_map_itself(keras: Any, x: Any) -> Any:
    """In conditional models: scaled and shifted by linear functions of the means."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = x * layers.Dense(16)(s) + layers.Dense(16)(s)
    s = layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return x * layers.Dense(16)(s) + layers.Dense(16)(s)


@keras_3()
def no_highway(keras: Any, x: Any) -> Any:
    """In highway networks: what is carried is gated by what it is."""
    layers = keras.layers
    t = layers.Conv2D(16, 3, padding="same", activation="sigmoid")(x)
    h = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    return h * t + x * (1 - t)


@keras_3(shape=(24, 16))
def no_transformer(keras: Any, x: Any) -> Any:
    """In transformers: attention of another kind, by a layer and by hand."""
    layers, ops = keras.layers, keras.ops
    y = layers.LayerNormalization()(x)
    x = x + layers.MultiHeadAttention(2, 8)(y, y)
    y = layers.LayerNormalization()(x)
    q, k, v = layers.Dense(16)(y), layers.Dense(16)(y), layers.Dense(16)(y)
    w = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 2, 1))) / 4.0)
    x = x + layers.Dense(16)(ops.matmul(w, v))
    w = ops.softmax(ops.einsum("bic,bjc->bij", x, x))
    x = x + ops.einsum("bij,bjc->bic", w, x)
    y = layers.Dense(32, activation="gelu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(16)(y)])


@keras_3()
def no_non_local(keras: Any, x: Any) -> Any:
    """In non-local networks: each place attends to each."""
    layers, ops = keras.layers, keras.ops
    q, k, v = [ops.reshape(layers.Conv2D(8, 1)(x), (-1, 120, 8)) for _ in range(3)]
    y = layers.Dot(axes=2)([q, k])
    y = layers.Dot(axes=(2, 1))([layers.Softmax()(y), v])
    y = layers.Conv2D(16, 1)(layers.Reshape((12, 10, 8))(y))
    return layers.Add()([x, y])


@keras_3()
def no_convnext(keras: Any, x: Any) -> Any:
    """In ConvNeXt and its second version: a scaled residual, a normalised response."""
    layers, ops = keras.layers, keras.ops
    y = layers.DepthwiseConv2D(7, padding="same")(x)
    y = layers.Dense(64, activation="gelu")(layers.LayerNormalization()(y))
    g = ops.sqrt(ops.sum(ops.square(y), axis=(1, 2), keepdims=True))
    y = y * (g / (ops.mean(g, axis=-1, keepdims=True) + 1e-6)) + y
    return x + layers.Dense(16)(y) * 1e-6


@keras_3()
def no_norms(keras: Any, x: Any) -> Any:
    """In networks that spell their norms: over channels, over space, over both."""
    ops = keras.ops
    x = x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-6)
    d = x - ops.mean(x, axis=(1, 2), keepdims=True)
    x = d * ops.rsqrt(ops.mean(ops.square(d), axis=(1, 2), keepdims=True) + 1e-5)
    d = x - ops.mean(x, axis=-1, keepdims=True)
    x = d / ops.sqrt(ops.var(x, axis=-1, keepdims=True) + 1e-5)
    x = x / ops.max(ops.abs(x), axis=(1, 2, 3), keepdims=True)
    e = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return e / ops.sum(e, axis=-1, keepdims=True)


@keras_3()
def no_mixture_of_experts(keras: Any, x: Any) -> Any:
    """In mixtures of experts: each expert times its share, by place and by image."""
    layers, ops = keras.layers, keras.ops
    g = layers.Dense(3, activation="softmax")(x)
    y = sum(g[..., i : i + 1] * layers.Dense(16, activation="relu")(x) for i in range(3))
    g = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    z = [layers.Conv2D(16, 3, padding="same")(x) for _ in range(2)]
    z = ops.stack(z, axis=1) * layers.Reshape((2, 1, 1, 1))(g)
    return y + ops.sum(z, axis=1)


@keras_3()
def no_residual_scaling(keras: Any, x: Any) -> Any:
    """In Inception-ResNets and others: a residual times a number, a mean added to a map."""
    layers, ops = keras.layers, keras.ops
    x = x + 0.17 * layers.Conv2D(16, 3, padding="same")(x)
    x = layers.Rescaling(0.5)(x)
    y = layers.UpSampling2D((12, 10))(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Concatenate()([x, y])
    return x + layers.Dense(32)(ops.mean(x, axis=(1, 2), keepdims=True))


@keras_3()
def no_products(keras: Any, x: Any) -> Any:
    """In fusion networks: products of two branches, of pools, of a head."""
    layers, ops = keras.layers, keras.ops
    y = layers.Conv2D(16, 3, padding="same")(x) * layers.Conv2D(16, 3, padding="same")(x)
    p = layers.GlobalAveragePooling2D()(y) * layers.GlobalMaxPooling2D()(y)
    p = layers.Dense(16, activation="relu")(p)
    p = p * layers.Dense(16, activation="sigmoid")(p)
    m = ops.cast(ops.any(ops.not_equal(x, 0.0), axis=-1, keepdims=True), "float32")
    return layers.Dense(3)(p), x * m


@keras_2()
def no_attention_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In TensorFlow code: swish, a norm, a highway, a mask and a transformer, by functions."""
    layers = keras.layers
    x = x * tf.nn.sigmoid(x)
    x = x * tf.math.rsqrt(tf.reduce_mean(tf.square(x), axis=-1, keepdims=True) + 1e-6)
    t = layers.Conv2D(16, 1, activation="sigmoid")(x)
    x = layers.Conv2D(16, 1)(x) * t + x * (1.0 - t)
    y = tf.reshape(x, [-1, 120, 16])
    w = tf.nn.softmax(tf.matmul(y, y, transpose_b=True))
    x = x + tf.reshape(tf.matmul(w, y), [-1, 12, 10, 16])
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    x = (x - mean) / tf.sqrt(variance + 1e-5)
    return tf.math.l2_normalize(x, axis=-1) * x


# As others again write them.


@keras_3("se")
def se_excited_by_a_nested_model(keras: Any, x: Any) -> Any:
    """In object-minded code: the two layers are a Sequential of their own."""
    layers = keras.layers
    excite = keras.Sequential(
        [layers.Dense(4, activation="relu"), layers.Dense(16, activation="sigmoid")]
    )
    s = layers.Reshape((1, 1, 16))(excite(layers.GlobalAveragePooling2D()(x)))
    return layers.Multiply()([x, s])


@keras_3("se")
def se_as_a_nested_model(keras: Any, x: Any) -> Any:
    """In object-minded code: the gate is a functional model of the map."""
    layers = keras.layers
    inner = keras.Input(x.shape[1:])
    s = layers.GlobalAveragePooling2D(keepdims=True)(inner)
    s = layers.Conv2D(4, 1, activation="swish")(s)
    s = layers.Conv2D(16, 1, activation="hard_sigmoid")(s)
    return layers.Multiply()([keras.Model(inner, s)(x), x])


@keras_3("se")
def se_with_dropout(keras: Any, x: Any) -> Any:
    """In Kaggle notebooks: dropout in the squeeze, and around it."""
    layers = keras.layers
    y = layers.SpatialDropout2D(0.1)(x)
    s = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(y))
    s = layers.Dropout(0.2)(layers.Dense(4, activation="relu")(s))
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Multiply()([y, layers.Reshape((1, 1, 16))(s)])


@keras_3("se")
def se_averaged_axis_by_axis(keras: Any, x: Any) -> Any:
    """In notebooks: ops.average, over one axis at a time."""
    ops = keras.ops
    s = ops.average(ops.average(x, axis=2), axis=1)
    s = keras.layers.Dense(4, activation="elu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return ops.multiply(ops.reshape(s, (-1, 1, 1, 16)), x)


@keras_3("se")
def se_one_plus(keras: Any, x: Any) -> Any:
    """In residual attention: one plus the gate."""
    s = keras.ops.mean(x, (1, 2), keepdims=True)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * (1.0 + s)


@keras_3("se")
def se_with_a_softmax(keras: Any, x: Any) -> Any:
    """In notebooks: a softmax over the channels, scaled."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Dense(4, activation="tanh")(s)
    s = layers.Rescaling(16.0)(layers.Softmax()(layers.Dense(16)(s)))
    return layers.Multiply()([s, x])


@keras_3("se")
def se_for_sequences_by_ops(keras: Any, x: Any) -> Any:
    """In networks for sound: the mean over time by an op."""
    s = keras.ops.mean(x, axis=1, keepdims=True)
    s = keras.layers.Conv1D(4, 1, activation="relu")(s)
    s = keras.layers.Conv1D(16, 1, activation="sigmoid")(s)
    return x * s


KERAS_3["se_for_sequences_by_ops"] = KERAS_3["se_for_sequences_by_ops"]._replace(shape=(40, 16))


@keras_3("se")
def se_pool_of_all_places(keras: Any, x: Any) -> Any:
    """In old Keras code: a pool as large as the map, and Flatten."""
    layers = keras.layers
    s = layers.AvgPool2D(pool_size=(12, 10), strides=(1, 1), padding="valid")(x)
    s = layers.Dense(4, activation=keras.activations.relu)(layers.Flatten()(s))
    s = layers.Activation(keras.activations.sigmoid)(layers.Dense(16)(s))
    s = layers.Permute((2, 1))(layers.RepeatVector(1)(s))
    return layers.Multiply()([x, layers.Reshape((1, 1, 16))(s)])


@keras_3("se", "spatial")
def se_and_then_a_spatial_gate(keras: Any, x: Any) -> Any:
    """In notebooks that mix: SE, and CBAM's second half."""
    layers, ops = keras.layers, keras.ops
    s = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    x = x * ops.reshape(layers.Dense(16, activation="sigmoid")(s), (-1, 1, 1, 16))
    s = ops.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)], -1)
    return x * layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)


@keras_3("se", "eca")
def se_and_then_eca(keras: Any, x: Any) -> Any:
    """In notebooks that mix: one channel gate behind another."""
    layers, ops = keras.layers, keras.ops
    s = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply()([x, layers.Dense(16, activation="sigmoid")(s)])
    s = layers.Conv1D(1, 3, padding="same")(ops.mean(x, (1, 2))[..., None])
    return x * ops.sigmoid(s)[:, None, None, :, 0]


@keras_3("unnamed")
def se_of_the_maximum(keras: Any, x: Any) -> Any:
    """In notebooks: the maximum in place of the mean has no name."""
    layers = keras.layers
    s = layers.GlobalMaxPooling2D(keepdims=True)(x)
    s = layers.Dense(4, activation="relu")(s)
    return x * layers.Dense(16, activation="sigmoid")(s)


@keras_3("unnamed")
def se_of_mean_and_maximum_side_by_side(keras: Any, x: Any) -> Any:
    """In notebooks: both pools in one vector have no name."""
    layers = keras.layers
    s = [layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)]
    s = layers.Dense(4, activation="relu")(layers.Concatenate()(s))
    s = layers.Dense(16, activation="sigmoid")(s)
    return x * layers.Reshape((1, 1, 16))(s)


@keras_3("unnamed")
def gather_excite_without_weights(keras: Any, x: Any) -> Any:
    """In gather-excite's simplest form: the mean, a sigmoid."""
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    return keras.layers.Multiply()([x, keras.layers.Activation("sigmoid")(s)])


@keras_3("unnamed")
def a_place_gate_alone(keras: Any, x: Any) -> Any:
    """In segmentation code: the spatial half of scSE has no name alone."""
    return x * keras.layers.Conv2D(1, 1, activation="sigmoid")(x)


@keras_3("eca")
def eca_upright(keras: Any, x: Any) -> Any:
    """In ports that keep four axes: (C, 1, 1), and a 3×1 convolution."""
    layers = keras.layers
    s = layers.Reshape((16, 1, 1))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv2D(1, (3, 1), padding="same", use_bias=False)(s)
    s = layers.Activation("sigmoid")(layers.Permute((2, 3, 1))(s))
    return layers.Multiply()([x, s])


@keras_3("eca")
def eca_by_depthwise(keras: Any, x: Any) -> Any:
    """In notebooks: a depthwise convolution over a sequence with one channel is the same."""
    layers, ops = keras.layers, keras.ops
    s = layers.GlobalAveragePooling2D()(x)
    s = layers.DepthwiseConv1D(3, padding="same", use_bias=False)(ops.expand_dims(s, -1))
    return x * ops.reshape(ops.sigmoid(s), (-1, 1, 1, 16))


@keras_3("eca")
def eca_channels_first_sequence(keras: Any, x: Any) -> Any:
    """In ports from PyTorch: a convolution over (1, C) with its channels first."""
    layers, ops = keras.layers, keras.ops
    s = ops.expand_dims(ops.mean(x, axis=(1, 2)), 1)
    s = ops.transpose(ops.pad(s, ((0, 0), (0, 0), (1, 1))), (0, 2, 1))
    s = layers.Conv1D(1, 3, use_bias=False, activation="sigmoid")(s)
    return ops.transpose(ops.expand_dims(s, 1), (0, 1, 3, 2)) * x


@keras_3("eca")
def eca_of_a_sum(keras: Any, x: Any) -> Any:
    """In notebooks: the sum of all places, over their number."""
    layers, ops = keras.layers, keras.ops
    s = ops.sum(ops.reshape(x, (-1, 120, 16)), axis=1, keepdims=True) / 120.0
    s = layers.Conv1D(1, 3, padding="same")(ops.swapaxes(s, 1, 2))
    s = ops.swapaxes(ops.sigmoid(s), 1, 2)
    return ops.reshape(ops.reshape(x, (-1, 120, 16)) * s, (-1, 12, 10, 16))


@keras_3("cbam")
def cbam_with_a_nested_model(keras: Any, x: Any) -> Any:
    """In object-minded code: the shared layers are a Sequential, called twice."""
    layers, ops = keras.layers, keras.ops
    shared = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(16)])
    mean = shared(layers.GlobalAveragePooling2D()(x))
    peak = shared(layers.GlobalMaxPooling2D()(x))
    s = layers.Reshape((1, 1, 16))(layers.Activation("sigmoid")(layers.add([mean, peak])))
    x = layers.multiply([s, x])
    s = layers.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)])
    s = layers.Conv2D(1, 7, padding="same", kernel_initializer="he_normal", use_bias=False)(s)
    return layers.multiply([x, layers.Activation("hard_sigmoid")(s)])


@keras_3("cbam")
def cbam_of_rows(keras: Any, x: Any) -> Any:
    """In notebooks: the pools over the channels by layers for sequences, channels first."""
    layers = keras.layers
    x = _channel(keras, x)
    row = layers.Reshape((120, 16))(x)
    mean = layers.GlobalAveragePooling1D(data_format="channels_first")(row)
    peak = layers.GlobalMaxPooling1D(data_format="channels_first")(row)
    s = [layers.Reshape((12, 10, 1))(mean), layers.Reshape((12, 10, 1))(peak)]
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(layers.Concatenate()(s))
    return layers.Multiply()([x, s])


@keras_3("cbam", shape=(40, 16))
def cbam_for_signals(keras: Any, x: Any) -> Any:
    """In networks for time series: one dimension."""
    layers, ops = keras.layers, keras.ops
    one, two = layers.Dense(4, activation="relu"), layers.Dense(16)
    s = two(one(ops.mean(x, 1, keepdims=True))) + two(one(ops.max(x, 1, keepdims=True)))
    x = x * ops.sigmoid(s)
    s = ops.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)], -1)
    return x * layers.Conv1D(1, 7, padding="same", activation="sigmoid")(s)


@keras_3("spatial")
def spatial_by_repeat_vector(keras: Any, x: Any) -> Any:
    """In old Keras code: the map is made as deep as the features by RepeatVector and Permute."""
    layers, ops = keras.layers, keras.ops
    s = layers.Concatenate()([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)])
    s = layers.Flatten()(layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s))
    s = layers.Reshape((12, 10, 16))(layers.Permute((2, 1))(layers.RepeatVector(16)(s)))
    return layers.Multiply()([x, s])


@keras_3("scse")
def scse_by_layers(keras: Any, x: Any) -> Any:
    """In segmentation code: Maximum of both, the channel's gate by convolutions."""
    layers = keras.layers
    c = layers.GlobalAveragePooling2D(keepdims=True)(x)
    c = layers.Conv2D(16, 1, activation="sigmoid")(layers.Conv2D(8, 1, activation="relu")(c))
    s = layers.Activation("sigmoid")(layers.Conv2D(1, 1)(x))
    return layers.Maximum()([layers.Multiply()([s, x]), layers.Multiply()([c, x])])


@keras_3("gc")
def gc_by_dot_of_turned_axes(keras: Any, x: Any) -> Any:
    """In Keras code for GCNet: the weights are turned, Dot takes two different axes."""
    layers = keras.layers
    w = layers.Permute((2, 1))(layers.Reshape((120, 1))(layers.Conv2D(1, (1, 1))(x)))
    w = layers.Activation("softmax")(w)
    s = layers.Dot(axes=(2, 1))([w, layers.Reshape((120, 16))(x)])
    s = layers.Dense(4)(layers.Flatten()(s))
    s = layers.Dense(16)(layers.Activation("relu")(layers.LayerNormalization()(s)))
    return layers.Add()([x, layers.Reshape((1, 1, 16))(s)])


@keras_3("gc")
def gc_of_the_mean(keras: Any, x: Any) -> Any:
    """In GCNet's ablation: the mean in place of the weighed sum."""
    layers = keras.layers
    s = layers.Conv2D(4, 1)(layers.GlobalAveragePooling2D(keepdims=True)(x))
    s = layers.ReLU()(layers.LayerNormalization()(s))
    return layers.Add()([x, layers.Conv2D(16, 1)(s)])


@keras_3("gc", shape=(None, None, 16))
def gc_of_any_size(keras: Any, x: Any) -> Any:
    """In fully convolutional networks: height and width are dynamic."""
    layers, ops = keras.layers, keras.ops
    w = layers.Softmax(axis=1)(layers.Reshape((-1, 1))(layers.Conv2D(1, 1)(x)))
    s = ops.matmul(ops.swapaxes(w, 1, 2), layers.Reshape((-1, 16))(x))
    s = layers.Dense(4)(layers.Reshape((1, 1, 16))(s))
    s = layers.Dense(16)(ops.relu(layers.LayerNormalization()(s)))
    return x + s


@keras_3("coord")
def coord_shared_without_concat(keras: Any, x: Any) -> Any:
    """In re-implementations: the shared layer is called on rows and columns apart."""
    layers, ops = keras.layers, keras.ops
    shared = layers.Conv2D(8, 1, activation="relu")
    rows = shared(ops.mean(x, axis=2, keepdims=True))
    columns = shared(ops.mean(x, axis=1, keepdims=True))
    rows = layers.Conv2D(16, 1, activation="sigmoid")(rows)
    columns = layers.Conv2D(16, 1, activation="sigmoid")(columns)
    return layers.Multiply()([layers.Multiply()([x, rows]), columns])


@keras_3("coord")
def coord_by_einsum(keras: Any, x: Any) -> Any:
    """By those who come from JAX: one einsum of all three."""
    layers, ops = keras.layers, keras.ops
    s = ops.concatenate([ops.mean(x, axis=2), ops.mean(x, axis=1)], axis=1)
    s = ops.silu(layers.BatchNormalization()(layers.Dense(8)(s)))
    rows, columns = ops.split(s, [12], axis=1)
    rows = layers.Dense(16, activation="sigmoid")(rows)
    columns = layers.Dense(16, activation="sigmoid")(columns)
    return ops.einsum("bhwc,bhc,bwc->bhwc", x, rows, columns)


@keras_3("coord")
def coord_of_pools_with_repeats(keras: Any, x: Any) -> Any:
    """In Keras code: both gates are repeated to the size of the map first."""
    layers, ops = keras.layers, keras.ops
    rows = layers.AveragePooling2D(pool_size=(1, 10))(x)
    columns = layers.Permute((2, 1, 3))(layers.AveragePooling2D(pool_size=(12, 1))(x))
    s = layers.Concatenate(axis=1)([rows, columns])
    s = layers.ReLU(max_value=6)(layers.BatchNormalization()(layers.Conv2D(8, 1)(s)))
    rows, columns = s[:, :12], layers.Permute((2, 1, 3))(s[:, 12:])
    rows = layers.Conv2D(16, 1, activation="sigmoid")(rows)
    columns = layers.Conv2D(16, 1, activation="sigmoid")(columns)
    rows = layers.UpSampling2D((1, 10))(rows)
    return x * rows * ops.repeat(columns, 12, axis=1)


@keras_3("simam")
def simam_by_layers(keras: Any, x: Any) -> Any:
    """In Keras code: layers for all that has one."""
    layers, ops = keras.layers, keras.ops
    d = layers.Subtract()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    d = layers.Multiply()([d, d])
    v = layers.GlobalAveragePooling2D(keepdims=True)(d)
    e = ops.divide(d, layers.Rescaling(4.0, offset=4e-4)(v))
    e = layers.Rescaling(1.0, offset=0.5)(e)
    return layers.Multiply()([x, layers.Activation("sigmoid")(e)])


@keras_3("simam")
def simam_sigmoid_by_hand(keras: Any, x: Any) -> Any:
    """In notebooks that spell everything: x over one plus exp of minus the energy."""
    ops = keras.ops
    mean, v = ops.moments(x, axes=(1, 2), keepdims=True)
    e = ops.square(x - mean) / (4 * (v + 1e-4)) + 0.5
    return x / (1 + ops.exp(-e))


@keras_3("gct")
def gct_of_absolute_values(keras: Any, x: Any) -> Any:
    """In its authors' other mode: the sum of absolute values."""
    layers, ops = keras.layers, keras.ops
    s = ops.sum(ops.abs(x), axis=(1, 2), keepdims=True)
    s = layers.DepthwiseConv2D(1, use_bias=False)(s)
    s = s / (ops.mean(ops.abs(s), axis=-1, keepdims=True) + 1e-5)
    return x * (1 + ops.tanh(layers.DepthwiseConv2D(1)(s)))


@keras_3("gct")
def gct_by_grouped_convolution(keras: Any, x: Any) -> Any:
    """In ports: convolutions with C groups, UnitNormalization."""
    layers, ops = keras.layers, keras.ops
    s = ops.sqrt(ops.sum(x * x, axis=[1, 2], keepdims=True) + 1e-5)
    s = layers.UnitNormalization()(layers.Conv2D(16, 1, groups=16, use_bias=False)(s))
    s = layers.Conv2D(16, 1, groups=16)(layers.Rescaling(4.0)(s))
    return layers.Multiply()([x, ops.tanh(s) + 1.0])


@keras_3("srm")
def srm_of_sequences(keras: Any, x: Any) -> Any:
    """In notebooks: places in one row, DepthwiseConv1D over both statistics."""
    layers, ops = keras.layers, keras.ops
    row = layers.Reshape((120, 16))(x)
    s = ops.concatenate([ops.mean(row, 1, keepdims=True), ops.std(row, 1, keepdims=True)], 1)
    s = layers.BatchNormalization()(layers.DepthwiseConv1D(2, use_bias=False)(s))
    s = layers.Activation("sigmoid")(layers.Reshape((1, 1, 16))(s))
    return layers.Multiply()([x, s])


@keras_3("srm")
def srm_by_two_scales(keras: Any, x: Any) -> Any:
    """In notebooks: each statistic has its own depthwise 1×1 convolution, then they are added."""
    layers, ops = keras.layers, keras.ops
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    deviation = ops.sqrt(ops.mean((x - mean) ** 2, axis=(1, 2), keepdims=True) + 1e-5)
    s = layers.DepthwiseConv2D(1, use_bias=False)(mean)
    s = s + layers.DepthwiseConv2D(1, use_bias=False)(deviation)
    return x * ops.sigmoid(layers.BatchNormalization()(s))


@keras_3("bam")
def bam_with_nested_models(keras: Any, x: Any) -> Any:
    """In object-minded code: each branch is a Sequential."""
    layers = keras.layers
    c = keras.Sequential(
        [
            layers.GlobalAveragePooling2D(keepdims=True),
            layers.Conv2D(4, 1),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(16, 1),
        ]
    )(x)
    s = keras.Sequential(
        [
            layers.Conv2D(4, 1, activation="relu"),
            layers.Conv2D(4, 3, padding="same", dilation_rate=4, activation="relu"),
            layers.Conv2D(4, 3, padding="same", dilation_rate=4, activation="relu"),
            layers.Conv2D(1, 1),
        ]
    )(x)
    s = layers.Activation("sigmoid")(layers.Multiply()([c, s]))
    return layers.Add()([layers.Multiply()([x, s]), x])


@keras_3("triplet")
def triplet_of_two(keras: Any, x: Any) -> Any:
    """In its authors' other mode: without the spatial branch; axes are swapped."""
    layers, ops = keras.layers, keras.ops

    def gate(y: Any) -> Any:
        s = ops.stack([ops.max(y, axis=-1), ops.mean(y, axis=-1)], axis=-1)
        s = layers.Conv2D(1, 7, padding="same", use_bias=False)(s)
        return y * layers.Activation("sigmoid")(layers.BatchNormalization()(s))

    one = ops.swapaxes(gate(ops.swapaxes(x, 1, 3)), 1, 3)
    two = ops.swapaxes(gate(ops.swapaxes(x, 2, 3)), 2, 3)
    return 0.5 * (one + two)


@keras_2("se")
def se_of_a_dynamic_batch(tf: Any, keras: Any, x: Any) -> Any:
    """In ports: the batch of the reshape is what tf.shape says."""
    s = keras.layers.GlobalAveragePooling2D()(x)
    s = tf.reshape(s, [tf.shape(x)[0], 1, 1, 16])
    s = keras.layers.Conv2D(4, 1, activation="relu")(s)
    return x * keras.layers.Conv2D(16, 1, activation="sigmoid")(s)


@keras_2("se")
def se_repeat_elements(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend repeats the gate."""
    k = keras.backend
    s = keras.layers.GlobalAveragePooling2D()(x)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    s = k.reshape(s, (-1, 1, 1, 16))
    return x * k.tile(s, [1, 12, 10, 1])


@keras_2("se")
def se_channels_first_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In code for GPUs: channels first by ops, last for the layers that need it."""
    y = tf.transpose(x, [0, 3, 1, 2])
    s = tf.reduce_mean(y, axis=[2, 3])
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    y = y * s[:, :, None, None]
    return tf.transpose(y, [0, 2, 3, 1])


@keras_2("se")
def se_with_an_ellipsis(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: pools kept, the last axis by name of nothing else."""
    s = tf.math.reduce_mean(tf.math.reduce_mean(x, axis=-2), axis=-2)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return tf.math.multiply(s[:, None, None], x)


@keras_2("se")
def se_leaky_and_clipped(tf: Any, keras: Any, x: Any) -> Any:
    """In mobile networks: leaky relu, and a clipped line for the gate."""
    s = tf.reduce_mean(x, [1, 2], keepdims=True)
    s = tf.nn.leaky_relu(keras.layers.Conv2D(4, 1)(s), alpha=0.1)
    s = tf.clip_by_value(keras.layers.Conv2D(16, 1)(s) * 0.2 + 0.5, 0.0, 1.0)
    return keras.layers.Multiply()([x, s])


@keras_2("se")
def se_by_ones_and_addition(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: zeros_like the map, plus the gate."""
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = keras.layers.Dense(4, activation="relu")(s)
    s = keras.layers.Dense(16, activation="sigmoid")(s)
    return x * (tf.zeros_like(x) + s)


@keras_2("ese")
def ese_residual(tf: Any, keras: Any, x: Any) -> Any:
    """In VoVNet's ports: the shortcut is added by an operator."""
    s = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    s = keras.layers.Conv2D(16, kernel_size=1, padding="same")(s)
    return x * (keras.layers.ReLU(max_value=6.0)(s + 3.0) / 6.0) + x


@keras_2("eca")
def eca_by_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend turns and squeezes."""
    k = keras.backend
    s = k.mean(x, axis=[1, 2], keepdims=True)
    s = k.permute_dimensions(k.squeeze(s, axis=1), (0, 2, 1))
    s = keras.layers.Conv1D(1, 3, padding="same", use_bias=False)(s)
    s = k.expand_dims(k.permute_dimensions(k.sigmoid(s), (0, 2, 1)), axis=1)
    return keras.layers.multiply([x, s])


@keras_2("cbam")
def cbam_with_one_reduction(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: stacked pools, unstacked again, then added."""
    layers = keras.layers
    s = tf.stack([tf.reduce_mean(x, [1, 2]), tf.reduce_max(x, [1, 2])], axis=1)
    s = layers.Dense(16)(layers.Dense(4, activation="relu")(s))
    s = tf.reduce_sum(s, axis=1)
    x = x * tf.nn.sigmoid(s)[:, tf.newaxis, tf.newaxis]
    s = tf.concat([tf.reduce_mean(x, 3, keepdims=True), tf.reduce_max(x, 3, keepdims=True)], 3)
    s = layers.BatchNormalization()(layers.Conv2D(1, 7, padding="same", use_bias=False)(s))
    return x * tf.sigmoid(s)


@keras_2("cbam", suffix="json")
def cbam_by_split(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: the stacked pools are split after the shared layers, and added."""
    layers = keras.layers
    s = layers.Concatenate(axis=1)(
        [tf.reduce_mean(x, [1, 2], keepdims=True), tf.reduce_max(x, [1, 2], keepdims=True)]
    )
    s = layers.Conv2D(16, 1)(layers.Conv2D(4, 1, activation="relu")(s))
    mean, peak = tf.split(s, 2, axis=1)
    x = layers.Multiply()([x, layers.Activation("sigmoid")(layers.Add()([mean, peak]))])
    s = layers.Concatenate()([tf.reduce_mean(x, -1)[..., None], tf.reduce_max(x, -1)[..., None]])
    return layers.Multiply()([x, layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)])


@keras_2("gc")
def gc_by_batch_dot(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend.batch_dot."""
    k, layers = keras.backend, keras.layers
    w = k.softmax(k.reshape(layers.Conv2D(1, 1)(x), (-1, 1, 120)), axis=-1)
    s = k.batch_dot(w, k.reshape(x, (-1, 120, 16)))
    s = layers.LayerNormalization()(layers.Dense(4)(k.reshape(s, (-1, 1, 1, 16))))
    return layers.add([x, layers.Dense(16)(layers.ReLU()(s))])


@keras_2("gc")
def gc_of_turned_rows(tf: Any, keras: Any, x: Any) -> Any:
    """In ports from PyTorch: channels first for the product alone."""
    layers = keras.layers
    rows = tf.transpose(tf.reshape(x, [-1, 120, 16]), [0, 2, 1])
    w = tf.nn.softmax(tf.reshape(layers.Conv2D(1, 1)(x), [-1, 120]))
    s = tf.linalg.matmul(rows, tf.expand_dims(w, -1))
    s = tf.reshape(s, [-1, 1, 1, 16])
    s = tf.nn.relu(layers.LayerNormalization()(layers.Conv2D(4, 1)(s)))
    return x + layers.Conv2D(16, 1)(s)


@keras_2("coord")
def coord_gates_as_a_map(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: the two gates are made one map first."""
    layers = keras.layers
    rows = tf.reduce_mean(x, axis=2)
    columns = tf.reduce_mean(x, axis=1)
    s = layers.Conv1D(8, 1, activation="relu")(tf.concat([rows, columns], axis=1))
    rows, columns = tf.split(s, [12, 10], axis=1)
    rows = layers.Conv1D(16, 1, activation="sigmoid")(rows)
    columns = layers.Conv1D(16, 1, activation="sigmoid")(columns)
    return x * (tf.expand_dims(rows, 2) * tf.expand_dims(columns, 1))


@keras_2("simam")
def simam_by_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend.square, sum and mean."""
    k = keras.backend
    d = k.square(x - k.mean(x, axis=[1, 2], keepdims=True))
    e = d / (4 * (k.sum(d, axis=[1, 2], keepdims=True) / 119 + 1e-4)) + 0.5
    return keras.layers.multiply([x, k.sigmoid(e)])


@keras_2("srm")
def srm_by_the_backend(tf: Any, keras: Any, x: Any) -> Any:
    """In old Keras code: keras.backend.std, and DepthwiseConv1D over both."""
    k, layers = keras.backend, keras.layers
    s = k.stack([k.mean(x, axis=[1, 2]), k.std(x, axis=[1, 2])], axis=1)
    s = layers.BatchNormalization()(layers.DepthwiseConv1D(2, use_bias=False)(s))
    return layers.multiply([x, layers.Reshape((1, 1, 16))(layers.Activation("sigmoid")(s))])


@keras_2("bam")
def bam_by_layers(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code: layers alone, the gate plus one."""
    layers = keras.layers
    c = layers.Reshape((1, 1, 16))(layers.GlobalAvgPool2D()(x))
    c = layers.Dense(16)(layers.Dense(4, activation="relu")(c))
    s = layers.Conv2D(4, 1, activation="relu")(x)
    s = layers.Conv2D(4, 3, dilation_rate=4, padding="same", activation="relu")(s)
    s = layers.Conv2D(4, 3, dilation_rate=4, padding="same", activation="relu")(s)
    s = layers.Conv2D(1, 1)(s)
    return layers.Multiply()([x, tf.sigmoid(layers.Add()([c, s])) + 1.0])


@keras_2("triplet")
def triplet_by_permutes(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code: Permute layers, Lambda for nothing, a third of the sum."""
    layers = keras.layers

    def gate(y: Any) -> Any:
        s = tf.stack([tf.reduce_max(y, axis=3), tf.reduce_mean(y, axis=3)], axis=3)
        s = layers.BatchNormalization()(layers.Conv2D(1, 7, padding="same", use_bias=False)(s))
        return layers.Multiply()([y, layers.Activation("sigmoid")(s)])

    one = layers.Permute((3, 2, 1))(gate(layers.Permute((3, 2, 1))(x)))
    two = layers.Permute((1, 3, 2))(gate(layers.Permute((1, 3, 2))(x)))
    return layers.Add()([one, two, gate(x)]) / 3.0


@keras_3()
def no_attention_pooling(keras: Any, x: Any) -> Any:
    """In recurrent networks: states weighed by a softmax over time are summed to one."""
    layers, ops = keras.layers, keras.ops
    x = layers.Conv1D(16, 3, padding="same")(x)
    w = layers.Dense(1, activation="sigmoid")(x)
    x = x + w * layers.Dense(16)(x)
    return x * ops.softmax(x, axis=-1)


KERAS_3["no_attention_pooling"] = KERAS_3["no_attention_pooling"]._replace(shape=(24, 16))


@keras_3()
def no_capsules(keras: Any, x: Any) -> Any:
    """In capsule networks: vectors are squashed by their own length."""
    ops = keras.ops
    v = ops.reshape(x, (-1, 240, 8))
    n = ops.sum(ops.square(v), axis=-1, keepdims=True)
    return v * (n / (1 + n) / ops.sqrt(n + 1e-7))


@keras_3(shape=(24, 16))
def no_gated_transformer(keras: Any, x: Any) -> Any:
    """In newer transformers: gated linear units, RMS norms by hand, linear attention."""
    layers, ops = keras.layers, keras.ops
    y = x * ops.rsqrt(ops.mean(x * x, axis=-1, keepdims=True) + 1e-6)
    y = layers.Dense(16)(ops.silu(layers.Dense(32)(y)) * layers.Dense(32)(y))
    x = x + y
    q, k, v = ops.relu(layers.Dense(8)(x)), ops.relu(layers.Dense(8)(x)), layers.Dense(16)(x)
    s = ops.matmul(ops.transpose(k, (0, 2, 1)), v)
    z = ops.sum(k, axis=1, keepdims=True)
    y = ops.matmul(q, s) / (ops.sum(q * z, axis=-1, keepdims=True) + 1e-6)
    u, w = ops.split(layers.Dense(32)(x + y), 2, axis=-1)
    w = ops.transpose(layers.Dense(24)(ops.transpose(w, (0, 2, 1))), (0, 2, 1))
    return x + layers.Dense(16)(u * w)


@keras_3()
def no_sharing_of_scales(keras: Any, x: Any) -> Any:
    """In networks of two inputs or branches: a gate from elsewhere."""
    layers, ops = keras.layers, keras.ops
    y = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    s = layers.Dense(16, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    y = y * ops.reshape(s, (-1, 1, 1, 16))
    z = layers.Conv2D(16, 1)(x)
    a = layers.Conv2D(1, 1, activation="sigmoid")(ops.relu(layers.Conv2D(16, 1)(z) + y))
    return z * a


# And others yet.


@keras_3("se")
def se_with_parametric_activations(keras: Any, x: Any) -> Any:
    """In detectors: PReLU between, a clipped line at the end."""
    layers, ops = keras.layers, keras.ops
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(4, 1)(s))
    s = ops.clip(layers.Conv2D(16, 1)(s) * 0.2 + 0.5, 0.0, 1.0)
    return layers.Multiply()([x, s])


@keras_3("se")
def se_product_in_a_nested_model(keras: Any, x: Any) -> Any:
    """In object-minded code: a model of two inputs multiplies them."""
    layers = keras.layers
    a, b = keras.Input(x.shape[1:]), keras.Input((1, 1, 16))
    scale = keras.Model([a, b], layers.Multiply()([a, b]))
    s = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return scale([x, layers.Dense(16, activation="sigmoid")(s)])


@keras_3("se", "se")
def se_twice_by_one_model(keras: Any, x: Any) -> Any:
    """In object-minded code: a block that is a model is called twice."""
    layers = keras.layers
    inner = keras.Input(x.shape[1:])
    s = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(inner))
    block = keras.Model(inner, inner * layers.Dense(16, activation="sigmoid")(s))
    return block(layers.Conv2D(16, 3, padding="same")(block(x)))


@keras_3("se")
def se_without_reshape(keras: Any, x: Any) -> Any:
    """In notebooks: a vector and a map, Multiply finds the axes."""
    layers = keras.layers
    s = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    return layers.Multiply()([x, layers.Dense(16, activation="sigmoid")(s)])


@keras_3("se")
def se_residual_by_operators(keras: Any, x: Any) -> Any:
    """In residual networks: the scaled branch and its input, activated."""
    layers, ops = keras.layers, keras.ops
    y = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(x))
    s = layers.Dense(16)(ops.silu(layers.Dense(4)(ops.mean(y, axis=(1, 2), keepdims=True))))
    return ops.relu(y * ops.sigmoid(s) + x)


@keras_3("se", "se")
def se_in_two_branches(keras: Any, x: Any) -> Any:
    """In networks of several scales: each branch has its own, then they are joined."""
    layers, ops = keras.layers, keras.ops
    branches = []
    for size in (1, 3):
        y = layers.Conv2D(16, size, padding="same", activation="relu")(x)
        s = layers.Dense(4, activation="relu")(ops.mean(y, (1, 2)))
        branches.append(y * layers.Reshape((1, 1, 16))(layers.Dense(16, activation="sigmoid")(s)))
    return layers.Concatenate()(branches)


@keras_3("se")
def se_of_a_part(keras: Any, x: Any) -> Any:
    """In shuffled networks: one half of the channels has the block."""
    layers, ops = keras.layers, keras.ops
    a, b = ops.split(layers.Conv2D(32, 1)(x), 2, axis=-1)
    s = layers.Dense(4, activation="relu")(ops.mean(a, axis=(1, 2), keepdims=True))
    return layers.Concatenate()([a * layers.Dense(16, activation="sigmoid")(s), b])


@keras_3("eca")
def eca_for_signals(keras: Any, x: Any) -> Any:
    """In networks for time series: one dimension."""
    layers = keras.layers
    s = layers.Reshape((16, 1))(layers.GlobalAveragePooling1D()(x))
    s = layers.Conv1D(1, 3, padding="same", use_bias=False)(s)
    return layers.Multiply()([x, layers.Permute((2, 1))(layers.Activation("sigmoid")(s))])


KERAS_3["eca_for_signals"] = KERAS_3["eca_for_signals"]._replace(shape=(40, 16))


@keras_3("eca", shape=(None, None, 16))
def eca_of_any_size(keras: Any, x: Any) -> Any:
    """In fully convolutional networks: height and width are dynamic."""
    layers, ops = keras.layers, keras.ops
    s = layers.Conv1D(1, 5, padding="same", use_bias=False)(ops.mean(x, (1, 2))[:, :, None])
    return x * ops.sigmoid(ops.reshape(s, (-1, 1, 1, 16)))


@keras_3("cbam")
def cbam_by_windows(keras: Any, x: Any) -> Any:
    """In old Keras code: pools as large as the map, reshapes for kept axes, a residual."""
    layers, ops = keras.layers, keras.ops
    one, two = layers.Conv2D(4, 1, activation="relu"), layers.Conv2D(16, 1)
    mean, peak = layers.AveragePooling2D((12, 10))(x), layers.MaxPooling2D((12, 10))(x)
    s = layers.Activation("sigmoid")(layers.Add()([two(one(mean)), two(one(peak))]))
    y = layers.Multiply()([x, s])
    mean = layers.Reshape((12, 10, 1))(ops.mean(y, axis=-1))
    peak = layers.Reshape((12, 10, 1))(ops.max(y, axis=-1))
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(
        layers.Concatenate()([mean, peak])
    )
    return layers.Add()([x, layers.Multiply()([y, s])])


@keras_3("spatial", "unnamed")
def cbam_the_other_way_round(keras: Any, x: Any) -> Any:
    """In ablations: the spatial gate first is no CBAM."""
    layers, ops = keras.layers, keras.ops
    s = ops.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)], -1)
    return _channel(keras, x * layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s))


@keras_3("spatial")
def spatial_of_the_mean(keras: Any, x: Any) -> Any:
    """In notebooks: the mean over the channels alone."""
    s = keras.ops.mean(x, axis=3, keepdims=True)
    return x * keras.layers.Conv2D(1, 5, padding="same", activation="sigmoid")(s)


@keras_3("unnamed")
def spatial_of_three_maps(keras: Any, x: Any) -> Any:
    """In variants of CBAM: a 1×1 convolution beside mean and maximum has no name."""
    layers, ops = keras.layers, keras.ops
    maps = [ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True), layers.Conv2D(1, 1)(x)]
    return x * layers.Conv2D(1, 7, padding="same", activation="sigmoid")(layers.Concatenate()(maps))


@keras_3("scse")
def scse_of_a_vector(keras: Any, x: Any) -> Any:
    """In notebooks: the channel's gate stays a vector."""
    layers = keras.layers
    c = layers.Dense(8, activation="relu", use_bias=False)(layers.GlobalAveragePooling2D()(x))
    c = layers.Multiply()([layers.Dense(16, activation="sigmoid", use_bias=False)(c), x])
    s = layers.Conv2D(1, 1, activation="sigmoid", use_bias=False, padding="same")(x)
    return layers.add([layers.multiply([s, x]), c])


@keras_3("gc")
def gc_of_rows(keras: Any, x: Any) -> Any:
    """In notebooks: places in one row, a dense layer for their weights, a weighed sum."""
    layers, ops = keras.layers, keras.ops
    rows = layers.Reshape((120, 16))(x)
    w = ops.softmax(layers.Dense(1)(rows), axis=1)
    s = ops.sum(rows * w, axis=1)
    s = layers.Dense(16)(ops.relu(layers.LayerNormalization()(layers.Dense(4)(s))))
    return x + s[:, None, None, :]


@keras_3("gc")
def gc_softmax_by_hand(keras: Any, x: Any) -> Any:
    """In notebooks that spell everything: the softmax is exp over a sum."""
    layers, ops = keras.layers, keras.ops
    z = layers.Conv2D(1, 1)(x)
    e = ops.exp(z - ops.max(z, axis=(1, 2), keepdims=True))
    w = e / ops.sum(e, axis=(1, 2), keepdims=True)
    s = ops.sum(w * x, axis=(1, 2), keepdims=True)
    s = layers.Conv2D(16, 1)(ops.relu(layers.LayerNormalization()(layers.Conv2D(4, 1)(s))))
    return layers.Add()([x, s])


@keras_3("simam")
def simam_channels_first(keras: Any, x: Any) -> Any:
    """In ports from PyTorch that keep its order of axes."""
    ops = keras.ops
    x = ops.transpose(x, (0, 3, 1, 2))
    d = ops.power(x - ops.mean(x, axis=(2, 3), keepdims=True), 2.0)
    y = d / (4 * (ops.sum(d, axis=(2, 3), keepdims=True) / 119 + 1e-4)) + 0.5
    return ops.transpose(x * ops.sigmoid(y), (0, 2, 3, 1))


@keras_3("simam")
def simam_by_deviation(keras: Any, x: Any) -> Any:
    """In notebooks: the deviation, squared."""
    ops = keras.ops
    d = (x - ops.mean(x, axis=(1, 2), keepdims=True)) ** 2
    v = ops.std(x, axis=(1, 2), keepdims=True) ** 2
    return x * ops.sigmoid(d / (4 * v + 4e-4) + 0.5)


@keras_3("gct", shape=(None, None, 16))
def gct_of_any_size(keras: Any, x: Any) -> Any:
    """In fully convolutional networks: height and width are dynamic."""
    layers, ops = keras.layers, keras.ops
    s = ops.sqrt(ops.sum(ops.power(x, 2), axis=(1, 2), keepdims=True) + 1e-5)
    s = layers.DepthwiseConv2D((1, 1), use_bias=False)(s)
    s = ops.divide(s, ops.sqrt(ops.mean(ops.power(s, 2), axis=-1, keepdims=True) + 1e-5))
    return layers.multiply([x, 1 + ops.tanh(layers.DepthwiseConv2D((1, 1))(s))])


@keras_3("srm")
def srm_by_powers(keras: Any, x: Any) -> Any:
    """In notebooks: the root is a power, the style a last axis of two."""
    layers, ops = keras.layers, keras.ops
    rows = ops.reshape(x, (-1, 120, 16))
    deviation = (ops.var(rows, axis=1) + 1e-5) ** 0.5
    s = ops.stack([ops.mean(rows, axis=1), deviation], axis=1)
    s = layers.Conv1D(16, kernel_size=2, groups=16, use_bias=False, padding="valid")(s)
    return x * ops.sigmoid(layers.BatchNormalization()(layers.Reshape((1, 1, 16))(s)))


@keras_3("triplet")
def triplet_stacked(keras: Any, x: Any) -> Any:
    """In notebooks: halves of a sum of sums."""
    layers, ops = keras.layers, keras.ops

    def gate(y: Any) -> Any:
        s = layers.Concatenate()([ops.mean(y, -1, keepdims=True), ops.max(y, -1, keepdims=True)])
        s = layers.BatchNormalization()(layers.Conv2D(1, 7, padding="same")(s))
        return layers.Multiply()([y, layers.Activation("sigmoid")(s)])

    one = ops.moveaxis(gate(ops.moveaxis(x, 3, 1)), 1, 3)
    two = ops.transpose(gate(ops.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))
    return (gate(x) + (one + two)) * (1.0 / 3.0)


@keras_3("bam")
def bam_of_vectors(keras: Any, x: Any) -> Any:
    """In Keras code: the channel's branch is repeated, both are multiplied."""
    layers, ops = keras.layers, keras.ops
    c = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    c = layers.RepeatVector(120)(layers.BatchNormalization()(layers.Dense(16)(c)))
    s = layers.Conv2D(4, 1)(x)
    s = layers.Conv2D(4, 3, padding="same", dilation_rate=(4, 4))(layers.ReLU()(s))
    s = layers.Conv2D(4, 3, padding="same", dilation_rate=(4, 4))(layers.ReLU()(s))
    s = layers.Conv2D(1, 1)(layers.ReLU()(s))
    return x + x * ops.sigmoid(layers.Reshape((12, 10, 16))(c) * s)


@keras_2("se")
def se_pooled_in_windows_of_four(tf: Any, keras: Any, x: Any) -> Any:
    """In TF-slim's descendants: tf.nn.avg_pool with all four sizes."""
    s = tf.nn.avg_pool(x, ksize=[1, 12, 10, 1], strides=[1, 1, 1, 1], padding="VALID")
    s = keras.layers.Conv2D(4, 1, activation="relu")(s)
    s = keras.layers.Conv2D(16, 1)(s)
    return x * tf.nn.sigmoid(s)


@keras_2("se")
def se_with_identity_and_cast(tf: Any, keras: Any, x: Any) -> Any:
    """In mixed precision by hand: casts to and fro."""
    s = tf.cast(tf.reduce_mean(tf.cast(tf.identity(x), tf.float32), axis=[1, 2]), tf.float32)
    s = keras.layers.Dense(4, activation=tf.nn.leaky_relu)(s)
    s = tf.sigmoid(keras.layers.Dense(16)(s))
    return x * tf.stop_gradient(tf.reshape(s, [-1, 1, 1, 16]))


@keras_2("se")
def se_sum_of_rows(tf: Any, keras: Any, x: Any) -> Any:
    """In re-implementations: rows of places, their sum over a constant."""
    s = tf.reduce_sum(tf.reshape(x, [-1, 12 * 10, 16]), axis=1) * (1.0 / 120.0)
    s = keras.layers.Dense(4, "relu")(s)
    s = keras.layers.Dense(16, "sigmoid")(s)
    return keras.layers.Multiply()([x, s])


@keras_2("eca")
def eca_by_layers(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code: Permute for the turn, three axes."""
    layers = keras.layers
    s = layers.Reshape((1, 16))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv1D(1, 3, padding="same", use_bias=False)(layers.Permute((2, 1))(s))
    s = layers.Activation("sigmoid")(layers.Permute((2, 1))(s))
    return layers.Multiply()([x, tf.expand_dims(s, 1)])


@keras_2("cbam")
def cbam_with_residual(tf: Any, keras: Any, x: Any) -> Any:
    """In residual networks: both gates, then the shortcut."""
    layers = keras.layers
    one, two = layers.Dense(4, activation="relu"), layers.Dense(16)
    mean, peak = layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)
    s = tf.nn.sigmoid(two(one(mean)) + two(one(peak)))
    y = layers.Multiply()([x, s])
    s = tf.concat([tf.reduce_max(y, [3], keepdims=True), tf.reduce_mean(y, [3], keepdims=True)], 3)
    s = tf.pad(s, [[0, 0], [3, 3], [3, 3], [0, 0]])
    return x + y * layers.Conv2D(1, 7, activation="sigmoid")(s)


@keras_2("gc")
def gc_of_any_size_by_tf(tf: Any, keras: Any, x: Any) -> Any:
    """In ports: all sizes as tf.shape tells them."""
    layers = keras.layers
    places = tf.shape(x)[1] * tf.shape(x)[2]
    w = tf.nn.softmax(tf.reshape(layers.Conv2D(1, 1)(x), [-1, places, 1]), axis=1)
    s = tf.matmul(tf.reshape(x, [-1, places, 16]), w, transpose_a=True)
    s = layers.LayerNormalization()(layers.Conv2D(4, 1)(tf.reshape(s, [-1, 1, 1, 16])))
    return x + layers.Conv2D(16, 1)(tf.nn.relu(s))


@keras_2("gc")
def gc_softmax_of_activations(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code: the softmax of two axes, which Keras 2 spells out."""
    layers = keras.layers
    w = keras.activations.softmax(layers.Conv2D(1, 1)(x), axis=[1, 2])
    s = tf.reduce_sum(layers.Multiply()([x, w]), axis=[1, 2], keepdims=True)
    s = layers.ReLU()(layers.LayerNormalization()(layers.Conv2D(4, 1)(s)))
    return layers.Add()([x, layers.Conv2D(16, 1)(s)])


@keras_2("coord")
def coord_by_slice(tf: Any, keras: Any, x: Any) -> Any:
    """In ports: tf.slice for the split, UpSampling for the spread."""
    layers = keras.layers
    rows = tf.reduce_mean(x, axis=2, keepdims=True)
    columns = tf.transpose(tf.reduce_mean(x, axis=1, keepdims=True), [0, 2, 1, 3])
    s = layers.BatchNormalization()(layers.Conv2D(8, 1)(tf.concat([rows, columns], axis=1)))
    s = s * tf.nn.relu6(s + 3.0) / 6.0
    rows = tf.slice(s, [0, 0, 0, 0], [-1, 12, -1, -1])
    columns = tf.transpose(tf.slice(s, [0, 12, 0, 0], [-1, 10, -1, -1]), [0, 2, 1, 3])
    rows = layers.UpSampling2D((1, 10))(layers.Conv2D(16, 1, activation="sigmoid")(rows))
    columns = layers.UpSampling2D((12, 1))(layers.Conv2D(16, 1, activation="sigmoid")(columns))
    return layers.Multiply()([x, rows, columns])


@keras_2("simam")
def simam_scaled(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: the inverse of n times the sum."""
    d = tf.math.square(tf.math.subtract(x, tf.reduce_mean(x, [1, 2], keepdims=True)))
    v = tf.math.scalar_mul(1 / 119, tf.reduce_sum(d, [1, 2], keepdims=True))
    e = tf.math.divide(d, 4.0 * (v + 1e-4)) + 0.5
    return tf.math.multiply(tf.math.sigmoid(e), x)


@keras_2("triplet")
def triplet_of_means(tf: Any, keras: Any, x: Any) -> Any:
    """In notebooks: the three are stacked in a sum by add_n."""
    layers = keras.layers

    def gate(turn: list[int]) -> Any:
        y = tf.transpose(x, turn)
        s = tf.concat(
            [tf.reduce_max(y, -1, keepdims=True), tf.reduce_mean(y, -1, keepdims=True)], -1
        )
        y = y * layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)
        return tf.transpose(y, turn)

    return tf.add_n([gate([0, 3, 2, 1]), gate([0, 1, 3, 2]), gate([0, 1, 2, 3])]) / 3.0


@keras_3()
def no_squeeze_elsewhere(keras: Any, x: Any) -> Any:
    """In networks with a side branch: what is gated is not what the gate was made of."""
    layers = keras.layers
    y = layers.Conv2D(16, 3, padding="same")(x)
    z = layers.Conv2D(16, 3, padding="same")(x)
    s = layers.Dense(16, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    return z * s + y


@keras_3()
def no_selective_kernels(keras: Any, x: Any) -> Any:
    """In SKNets: two branches share a softmax made of their sum."""
    layers, ops = keras.layers, keras.ops
    a, b = layers.Conv2D(16, 3, padding="same")(x), layers.Conv2D(16, 5, padding="same")(x)
    s = layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D()(a + b))
    w = ops.softmax(ops.stack([layers.Dense(16)(s), layers.Dense(16)(s)], axis=1), axis=1)
    return a * ops.reshape(w[:, 0], (-1, 1, 1, 16)) + b * ops.reshape(w[:, 1], (-1, 1, 1, 16))


@keras_3()
def no_fusion_of_scales(keras: Any, x: Any) -> Any:
    """In pyramids: normalised weights, pooled context put beside the map."""
    layers = keras.layers
    y = layers.UpSampling2D(2)(layers.MaxPooling2D(2)(x))
    z = (0.3 * x + 0.7 * y) / (1.0 + 1e-4)
    c = layers.GlobalAveragePooling2D(keepdims=True)(z)
    c = layers.UpSampling2D((12, 10))(layers.Conv2D(16, 1, activation="relu")(c))
    return layers.Conv2D(16, 1)(layers.Concatenate()([z, c])) + x


# Hidden: a Lambda or a layer of one's own stands in what would be a gate.


@keras_3(hidden=("se",))
def hidden_product(keras: Any, x: Any) -> Any:
    """In old Keras code: the product is a Lambda."""
    layers = keras.layers
    s = layers.GlobalAveragePooling2D(keepdims=True)(x)
    s = layers.Dense(4, activation="relu")(s)
    s = layers.Dense(16, activation="sigmoid")(s)
    return layers.Lambda(lambda both: both[0] * both[1], output_shape=x.shape[1:])([x, s])


@keras_3(hidden=("cbam",))
def hidden_products_of_cbam(keras: Any, x: Any) -> Any:
    """In old Keras code: both products are Lambda layers."""
    layers, ops = keras.layers, keras.ops
    one, two = layers.Dense(4, activation="relu"), layers.Dense(16)
    mean = two(one(layers.GlobalAveragePooling2D(keepdims=True)(x)))
    peak = two(one(layers.GlobalMaxPooling2D(keepdims=True)(x)))
    s = layers.Activation("sigmoid")(layers.Add()([mean, peak]))
    x = layers.Lambda(lambda both: both[0] * both[1], output_shape=x.shape[1:])([x, s])
    s = ops.concatenate([ops.mean(x, -1, keepdims=True), ops.max(x, -1, keepdims=True)], -1)
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid")(s)
    return layers.Lambda(lambda both: both[0] * both[1], output_shape=x.shape[1:])([x, s])


@keras_2("unnamed", hidden=(None,), suffix="json")
def hidden_pools(tf: Any, keras: Any, x: Any) -> Any:
    """In the well-known Keras port of CBAM: the pools over the channels are Lambda layers."""
    k, layers = keras.backend, keras.layers
    x = _channel(keras, x)
    mean = layers.Lambda(lambda t: k.mean(t, axis=3, keepdims=True))(x)
    peak = layers.Lambda(lambda t: k.max(t, axis=3, keepdims=True))(x)
    s = layers.Concatenate(axis=3)([mean, peak])
    s = layers.Conv2D(1, 7, padding="same", activation="sigmoid", use_bias=False)(s)
    return layers.multiply([x, s])


@keras_2(hidden=(None,), suffix="json")
def hidden_reshapes(tf: Any, keras: Any, x: Any) -> Any:
    """In Keras code for ECA: Lambda layers expand and squeeze."""
    layers = keras.layers
    s = layers.Lambda(lambda t: tf.expand_dims(t, -1))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv1D(1, 3, padding="same", activation="sigmoid")(s)
    s = layers.Lambda(lambda t: tf.reshape(t, [-1, 1, 1, 16]))(s)
    return layers.Multiply()([x, s])


@keras_2(hidden=("scse",), suffix="json")
def hidden_products_of_scse(tf: Any, keras: Any, x: Any) -> Any:
    """In segmentation code: both products are Lambda layers."""
    layers = keras.layers
    c = layers.Dense(8, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    c = layers.Dense(16, activation="sigmoid")(c)
    c = layers.Lambda(lambda both: both[0] * both[1])([x, c])
    s = layers.Conv2D(1, 1, activation="sigmoid")(x)
    s = layers.Lambda(lambda both: both[0] * both[1])([x, s])
    return layers.Add()([c, s])


@keras_3()
def hidden_nothing(keras: Any, x: Any) -> Any:
    """In Inception-ResNets: Lambda layers that scale a residual, and add it."""
    layers = keras.layers
    y = layers.Conv2D(16, 3, padding="same")(layers.Conv2D(8, 1, activation="relu")(x))
    x = layers.Lambda(lambda t: t[0] + 0.17 * t[1], output_shape=x.shape[1:])([x, y])
    return layers.Activation("relu")(x)


def in_front(keras: Any, name: str) -> Any:
    """Return a layer of one's own that hands on what it gets, and that no file can describe."""

    class Own(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, inputs: Any) -> Any:
            return inputs * 1.0

    return Own(name=name)
