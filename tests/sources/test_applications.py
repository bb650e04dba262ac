"""The architectures that the package brings: each is what the Keras in use builds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import applications
import pytest
from drawn import counted, described
from process import attn

from attn_cli import read_model
from attn_cli.errors import BadFile, BadShape
from attn_cli.sources.applications import application_names

if TYPE_CHECKING:
    from attn_cli.graph import Graph


@pytest.mark.slow
def test_all_are_read_and_known() -> None:
    """Each is a model whose weights are all known, and each says of which Keras it is."""
    versions = set()
    for name in application_names():
        model = read_model(f"app:{name}")
        assert (model.format, model.type, model.at_least) == ("json", "Functional", False)
        assert model.warnings == ()
        versions.add(model.keras_version)
    assert len(versions) == 1
    assert None not in versions


def test_a_file_of_that_name_is_read_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`app:NAME` is never a file; `./app:NAME` always is."""
    monkeypatch.chdir(tmp_path)
    Path("app:VGG16").write_text("{}")
    assert read_model("app:VGG16").total == 138_357_544
    with pytest.raises(BadFile):
        read_model("./app:VGG16")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnet50", "; did you mean app:ResNet50, or app:ResNet50V2?"),
        ("EfficientNet-B0", "; did you mean app:EfficientNetB0"),
        ("", "; there are 40, from ConvNeXtBase to Xception"),
        ("../saved", "; there are 40, from ConvNeXtBase to Xception"),
    ],
)
def test_an_unknown_one_gets_the_nearest(name: str, told: str) -> None:
    """Or how many there are."""
    code, out, err = attn("inspect", f"app:{name}")
    assert (code, out) == (2, "")
    assert err.startswith(f"attn: app:{name}: no application is called {name!r}{told}")
    assert err.count("\n") == 1


def test_diff_and_check_take_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from a configuration in another folder, which --init writes."""
    assert attn("diff", "app:ResNet50", "app:ResNet50", "--exit-code").code == 0
    assert attn("check", "app:EfficientNetB0", "--max-share", "0.12").code == 0
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    assert attn("check", "app:MobileNetV2", "--init", "-o", "sub/attn.toml").code == 0
    assert 'model = "app:MobileNetV2"\n' in Path("sub/attn.toml").read_text()
    assert attn("check", "--config", "sub/attn.toml").code == 0


@pytest.mark.slow
def test_there_are_all_that_keras_has(keras: Any) -> None:
    """No more and no less; `nox -s applications` writes them anew."""
    assert list(application_names()) == applications.names(keras)


@pytest.mark.slow
@pytest.mark.parametrize("name", application_names())
def test_each_is_what_keras_builds(keras: Any, name: str) -> None:
    """The same graph, with the same names and params; else another Keras names or builds it so."""
    from attn_cli.tf.walk import walk

    model = applications.build(keras, name)
    read = read_model(f"app:{name}")
    assert read.graph is not None
    version = f"app:{name} is of Keras {read.keras_version}, this is {keras.__version__}"
    assert read.params == counted(model), version
    assert without_bytes(read.graph) == without_bytes(walk(model)), version


# Those with a dense layer behind Flatten, whose weights follow from the size.
OWN_SIZE = ("VGG16", "VGG19")


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in application_names() if each not in OWN_SIZE])
def test_each_is_what_keras_builds_at_another_size(keras: Any, name: str) -> None:
    """Which `input_shape` foretells: names, shapes, weights and costs, with the same params.

    Sizes of the same parities all the way down: keras.applications pads by them.
    """
    from attn_cli.tf.walk import walk

    before = read_model(f"app:{name}")
    assert before.graph is not None
    side = before.graph.nodes[before.graph.inputs[0]].output_shapes[0][1] or 224
    size = (side + 64, side + 128, 3)
    asked = read_model(f"app:{name}", input_shape=size)
    assert asked.graph is not None
    assert asked.params == before.params
    model = applications.build(keras, name, input_shape=size)
    assert without_bytes(asked.graph) == without_bytes(walk(model))


@pytest.mark.parametrize("name", OWN_SIZE)
def test_one_that_needs_its_own_size_says_so(name: str) -> None:
    """Its dense layer would have other weights."""
    with pytest.raises(BadShape, match=r"at 448,448,3, Dense 'fc1' would get \(None, 100352\): "):
        read_model(f"app:{name}", input_shape=(448, 448, 3))


def without_bytes(graph: Graph) -> list[Any]:
    """Return what sources have in common; a config does not tell that a count is an int64."""
    return [(*row[:BYTES], *row[BYTES + 1 :]) for row in described(graph)]


BYTES = 9
