"""Small networks for tests, call by call, without Keras: only types, shapes and wiring matter."""

from __future__ import annotations

from typing import Any

from attn_cli.graph import Graph, Layer, Node, Ref, Shape, Weight

# One of each family of keras.applications.
FAMILIES = (
    *("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2"),
    *("InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Small", "NASNetMobile"),
    *("ResNet50", "ResNet50V2", "VGG16", "Xception"),
)
CONV = {"kernel_size": (1, 1), "strides": (1, 1), "padding": "same"}


class Net:
    """A network under construction; `net.conv(x)` calls a layer of that type, named in order."""

    def __init__(self, *shape: int | None, within: tuple[str, ...] = ()) -> None:
        self.nodes: list[Node] = []
        self.within = within
        self.x = self.call("InputLayer", shape=(None, *shape))

    def call(
        self,
        type: str,
        *inputs: Ref,
        shape: Shape | None = None,
        name: str | None = None,
        layer: Layer | None = None,
        weights: tuple[Weight, ...] = (),
        **config: Any,
    ) -> Ref:
        """Call a layer; what comes out has the shape of its first input where none is given."""
        if layer is None:
            name = name or f"{type.lower()}_{len(self.nodes)}"
            layer = Layer(name, type, config, weights, self.within)
        taken = tuple([self.nodes[ref.node].output_shapes[0] for ref in inputs])
        self.nodes.append(Node(layer, inputs, taken, (taken[0] if shape is None else shape,)))
        return Ref(len(self.nodes) - 1)

    def conv(self, x: Ref, filters: int | None = None, stride: int = 1, **given: Any) -> Ref:
        """Convolve, with a kernel of 1 and the weights that this has."""
        b, h, w, c = self.nodes[x.node].output_shapes[0]
        assert c is not None
        filters = filters or c
        shape = (b, h and -(-h // stride), w and -(-w // stride), filters)
        weights = (Weight("kernel", (1, 1, c, filters)), Weight("bias", (filters,)))
        config = {**CONV, "filters": filters, "strides": (stride, stride)}
        return self.call("Conv2D", x, shape=shape, weights=weights, **config, **given)

    def depthwise(self, x: Ref) -> Ref:
        """Convolve each channel for itself."""
        return self.call("DepthwiseConv2D", x, kernel_size=(3, 3))

    def norm(self, x: Ref) -> Ref:
        """Normalise."""
        c = self.nodes[x.node].output_shapes[0][-1] or 0
        return self.call("BatchNormalization", x, weights=(Weight("gamma", (c,)),))

    def relu(self, x: Ref) -> Ref:
        """Activate."""
        return self.call("Activation", x, activation="relu")

    def add(self, *inputs: Ref) -> Ref:
        """Add feature maps up."""
        return self.call("Add", *inputs)

    def graph(self, *outputs: Ref) -> Graph:
        """Return the network that yields these, or the last call."""
        return Graph(self.nodes, outputs or [Ref(len(self.nodes) - 1)])

    def name(self, ref: Ref) -> str:
        """Return what a call is named."""
        return self.nodes[ref.node].layer.name
