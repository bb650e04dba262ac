"""In Python: what a session shows of a record, and what it says to a mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from models import save_json

import attn_cli
from attn_cli import (
    attention_params,
    compare,
    eca_block,
    find_attention,
    namespace_of,
    read_model,
    se_block,
    trace,
    walk,
)
from attn_cli.analysis.diff import diff
from attn_cli.analysis.inspect import inspect, inspect_file
from attn_cli.analysis.network import compare_in, read_network
from attn_cli.analysis.summary import summarise
from attn_cli.cost import graph_cost
from attn_cli.errors import AttnError, BadArgument, BadFile, BadGraph, BadOption, BadShape
from attn_cli.graph import Cost, Graph, Layer, Node, Params, Ref, Weight
from attn_cli.showing import MOST, Small, as_html, as_text
from attn_cli.spec import parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
SHAPE = (56, 56, 24)


def test_a_trace_shows_its_layers(golden: Callable[[str, str], None]) -> None:
    """As the summary does, in small: figures flush right, the totals below."""
    golden("python/trace.txt", f"{trace(eca_block, (26, 26, 512))!r}\n")


def test_what_is_unknown_shows_as_unknown() -> None:
    """A figure of which nothing is known is no 0."""
    graph = trace(se_block, (None, None, 24))
    assert re.search(r"multiply .* 0     0      \?\n", repr(graph))
    assert repr(graph_cost(graph)) == (
        "GraphCost(macs=288, flops=None, at_least=Cost(macs=288, flops=636), "
        "unknown=('H or W is dynamic',))"
    )
    weight = Weight("w", (3,), trainable=None)
    layer = Layer("mine", "Mine", weights=(weight,))
    odd = Graph([Node(layer, (), (), ((),))], [Ref(0)])
    assert "  mine  Mine  ?                  3     ?      ?\n" in repr(odd)
    assert repr(odd).endswith("3 params: ? trainable, ? non-trainable")


def test_records_show_in_a_line() -> None:
    """By the names that their figures go by, and without all that they hold."""
    graph = trace(se_block, SHAPE)
    dense = graph.nodes[3]
    assert repr(dense) == (
        "<Node dense: Dense, (None, 56, 56, 24) → (None, 1, 1, 6), 150 params, 144 MACs, 294 FLOPs>"
    ).replace("(None, 56, 56, 24)", "(None, 1, 1, 24)")
    assert repr(dense.layer) == "<Layer dense: Dense, 150 params>"
    assert repr(dense.cost) == "Cost(macs=144, flops=294)"
    assert repr(Cost(why="mine")) == "Cost(macs=None, flops=None, why='mine')"
    assert repr(graph_cost(graph)) == "GraphCost(macs=288, flops=151164)"
    assert repr(graph.params) == "Params(total=318, trainable=318, non_trainable=0)"
    assert repr(Params(1, 2, 3)) == "Params(total=6, trainable=None, non_trainable=None)"
    assert repr(find_attention(graph)) == (
        "(<Attention se at multiply: 24 → 6 channels, 318 params>,)"
    )


def test_a_comparison_shows_its_rows() -> None:
    """With the differences, as they are given on the command line."""
    assert repr(compare(["se:ratio=4", "eca"], ["3@7,7,64"])) == (
        "Comparison with se:ratio=4\n"
        "  block       on        params  difference   MACs   FLOPs\n"
        "  se:ratio=4  3@7,7,64   2,128           0  2,048  10,528\n"
        "  eca         3@7,7,64       3      -2,125    192   6,720"
    )


def test_a_model_shows_what_it_is() -> None:
    """Not its graph; what was inspected shows a row for each block."""
    model = read_model("app:EfficientNetB0")
    line = "<Model Functional efficientnetb0: json, Keras 3.15.1, 240 calls, 5,330,571 params>"
    assert repr(model) == line
    lines = repr(inspect("b0", model)).splitlines()
    assert lines[0] == f"b0  {line}"
    assert lines[2] == "  se    block1a_se_excite        32      8      552      512"
    assert (len(lines), lines[-1]) == (19, "16 attention blocks, 636,540 params")
    alone = inspect_file(str(DATA / "tf_keras.weights.h5"))
    assert re.search(r"<Model \?: weights, layers not told, 259 params, warnings: 1>", repr(alone))


def test_what_holds_a_graph_does_not_show_it() -> None:
    """A line, or a table of its own."""
    spec = parse_spec("se:ratio=4")
    assert (repr(spec), repr(spec.block)) == ("<Spec se:ratio=4>", "<Block se>")
    assert repr(summarise(spec, SHAPE)) == f"Summary of se:ratio=4: {trace(se_block, SHAPE)!r}"
    assert "<p>Summary of se:ratio=4: Graph" in summarise(spec, SHAPE)._repr_html_()
    entry = compare([spec], [SHAPE]).rows[0].entry
    costs = "318 params, 288 MACs, 151,164 FLOPs"
    assert repr(entry) == f"<Entry se:ratio=4 on 56,56,24: {costs}>"
    network = read_network("app:MobileNetV2")
    line = "156 calls, 3,538,984 params>, 300,774,272 MACs, 621,398,000 FLOPs>"
    assert repr(network).endswith(line)
    assert repr(compare_in(network, [parse_spec("eca")], ["residual"])) == (
        "app:MobileNetV2 at residual\n"
        "  block     places     params         MACs        FLOPs\n"
        "  as it is       0  3,538,984  300,774,272  621,398,000\n"
        "  eca           10  3,539,018  300,777,288  621,837,592"
    )
    before, after = map(inspect_file, ("app:EfficientNetB0", "app:EfficientNetB1"))
    lines = repr(diff(before, after)).splitlines()
    assert lines[0] == "app:EfficientNetB0 → app:EfficientNetB1"
    assert lines[2] == "  changed  se    block1a_se_excite  input_shape        0        0"
    assert sum(line.startswith("  added    se") for line in lines) == 7
    assert lines[-1] == "0 blocks the same"
    assert "<table>" in diff(before, after)._repr_html_()


def test_a_long_table_is_cut_in_its_middle() -> None:
    """A session is no place for thousands of rows, and says how many it left out."""
    rows = [(f"row{number}", number) for number in range(1000)]
    lines = as_text(Small("a", ("name", "n"), rows)).splitlines()
    assert len(lines) == 2 + MOST + 1
    assert [lines[2], lines[22], lines[-1]] == [
        "  row0          0",
        "  … 960 more",
        "  row999      999",
    ]
    assert len(as_text(Small("a", ("name", "n"), rows[: MOST + 1])).splitlines()) == 2 + MOST + 1


def test_a_notebook_shows_a_table() -> None:
    """The same one; what a file calls its layers is text and nothing else."""
    graph = trace(se_block, SHAPE, name="se")
    named = Graph(
        [node._replace(layer=node.layer._replace(name="<b>&")) for node in graph.nodes],
        graph.outputs,
    )
    html = named._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html
    assert "<script" not in as_html(Small("<script>", ("<script>",), [("<script>",)], "<script>"))
    figures = re.findall(r'<td style="text-align: right">([\d,?]*)</td>', html)
    assert figures[-3:] == ["0", "0", "75,264"]
    for record in (compare(["se"], ["7,7,64"]), inspect("b0", read_model("app:EfficientNetB0"))):
        assert record._repr_html_().count("<tr>") == len(repr(record).splitlines()) - 1 - (
            "attention" in repr(record)
        )


def test_no_name_is_obeyed() -> None:
    """That of a live model may be anything; a terminal shows it, and does nothing."""
    graph = trace(se_block, SHAPE)
    evil = Graph(
        [node._replace(layer=node.layer._replace(name="\x1b[2J\n")) for node in graph.nodes],
        graph.outputs,
    )
    for told in (repr(evil), repr(evil.nodes[0]), repr(evil.nodes[0].layer), evil._repr_html_()):
        assert "\x1b" not in told
        assert r"\x1b[2J\n" in told


def test_the_version_is_that_of_the_package() -> None:
    """Of its metadata, read when it is asked for; a name that is not there is still none."""
    from importlib.metadata import version

    assert attn_cli.__version__ == version("attn-cli")
    assert "__version__" in dir(attn_cli)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attn_cli.nothing  # noqa: B018


WRONG: list[tuple[Any, type[AttnError], str]] = [
    (
        lambda: compare("se", ["7,7,64"]),
        BadArgument,
        "blocks are a list, as in ['se:ratio=16', 'eca'], not 'se'",
    ),
    (
        lambda: compare(["se"], "7,7,64"),
        BadArgument,
        "places are a list, as in ['56,56,256', (7, 7, 2048)], not '7,7,64'",
    ),
    (
        lambda: compare(["se"], (7, 7, 64)),
        BadArgument,
        "a place is a shape, as in (56, 56, 256) or '3@56,56,256', not 7",
    ),
    (
        lambda: compare(7, ["7,7,64"]),
        BadArgument,
        "blocks are a list, as in ['se:ratio=16', 'eca'], not 7",
    ),
    (
        lambda: compare([7], ["7,7,64"]),
        BadArgument,
        "a block is named by a text, as in 'se:ratio=16', not by 7",
    ),
    (
        lambda: compare(["se"], ["7,7,64"], baseline=7),
        BadArgument,
        "a block is named by a text, as in 'se:ratio=16', not by 7",
    ),
    (
        lambda: compare(["se"], ["7,7,64"], sort="-param"),
        BadOption,
        "no sort key is called 'param'; did you mean params? "
        "(spec, params, trainable, bytes, macs, flops, width, kernel_size)",
    ),
    (
        lambda: trace(se_block, 56, 56, 24),
        BadArgument,
        "a shape is one tuple (H, W, C), as in (56, 56, 24), not 56, 56, 24",
    ),
    (
        lambda: trace(se_block, 24),
        BadArgument,
        "a shape is one tuple (H, W, C), as in (56, 56, 24), not 24",
    ),
    (
        lambda: trace(se_block, "56,56,24"),
        BadArgument,
        "a shape is one tuple (H, W, C), as in (56, 56, 24), not '56,56,24'",
    ),
    (lambda: trace("se", SHAPE), BadArgument, "a block is a function, as se_block is, not 'se'"),
    (lambda: trace(lambda _: 7, SHAPE), BadArgument, "a block returns one tensor, not int"),
    (
        lambda: trace(se_block, (56, 56, 24.5)),
        BadShape,
        "a dimension is an integer, or None where dynamic, not 24.5",
    ),
    (
        lambda: find_attention("m.keras"),
        BadArgument,
        "attention is found in a graph, and a file holds one: read_model('m.keras').graph",
    ),
    (
        lambda: find_attention(Path("m.keras")),
        BadArgument,
        "attention is found in a graph, and a file holds one: read_model('m.keras').graph",
    ),
    (
        lambda: find_attention(None),
        BadArgument,
        "attention is found in a graph, and None is none: the file does not tell the layers",
    ),
    (
        lambda: find_attention(read_model("app:VGG16")),
        BadArgument,
        "attention is found in a graph, and this Model has one: its graph",
    ),
    (
        lambda: attention_params(7, ()),
        BadArgument,
        "attention is found in a graph, and int is none: trace, read_model and walk return graphs",
    ),
    (lambda: read_model("no.keras"), BadFile, "no.keras: there is no such file"),
    (lambda: read_model(b"no\x1b.keras"), BadFile, "no\\x1b.keras: there is no such file"),
    (
        lambda: read_model("app:VGG17"),
        BadFile,
        "app:VGG17: no application is called 'VGG17'; did you mean app:VGG19, or app:VGG16?",
    ),
    (lambda: read_model(7), BadArgument, "a model is read from a file, and int is no path"),
    (
        lambda: walk("m.keras"),
        BadArgument,
        "walk takes a model of Keras 3, and a file is read: read_model('m.keras')",
    ),
    (lambda: walk(7), BadArgument, "walk takes a model of Keras 3, and int is none"),
]


@pytest.mark.parametrize(("call", "error", "line"), WRONG, ids=[line[:50] for _, _, line in WRONG])
def test_a_mistake_gets_its_line(call: Any, error: type[AttnError], line: str) -> None:
    """One that says what was expected; of a wrong kind it is a TypeError, else a ValueError."""
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == line
    assert isinstance(raised.value, TypeError if error is BadArgument else ValueError)


@pytest.mark.parametrize(
    "call", [lambda: trace(se_block, (512, 26, 26)), lambda: compare(["se"], ["2@512,26,26"])]
)
def test_a_shape_that_looks_channels_first_gets_a_warning(call: Any) -> None:
    """In the words of the command line, and on the line that gave the shape."""
    hint = "512,26,26 is read as H,W,C; channels come last, so C,H,W is written 26,26,512"
    with pytest.warns(UserWarning, match=f"^{hint}$") as warned:
        call()
    assert [each.filename for each in warned] == [__file__]


def test_a_comparison_takes_shapes_as_they_are() -> None:
    """What `trace` takes, `compare` takes; a list is as good as a tuple."""
    texts = compare(["se"], ["7,7,64", "None,None,64", "3@7,7,64"])
    assert compare(["se"], [(7, 7, 64), [None, None, 64], "3@7,7,64"]) == texts
    assert compare(("se",), ((7, 7, 64),)).rows == texts.rows[:1]


def gated(inputs: Any) -> Any:
    conv = namespace_of(inputs).layers.Conv2D
    return eca_block(conv(8, 3)(se_block(conv(64, 3)(inputs), name="stage1")))


def test_what_walks_and_what_reads_agree(keras: Any, tmp_path: Path) -> None:
    """Attention is found in a live model as in its file."""
    keras.backend.clear_session(free_memory=False)
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, gated(inputs))
    model.save(tmp_path / "m.keras")
    read = read_model(tmp_path / "m.keras").graph
    assert read is not None
    assert find_attention(walk(model)) == find_attention(read)
    with pytest.raises(BadArgument, match=r"and walk\(model\) is that of a Keras model$"):
        find_attention(model)


def test_what_cannot_be_walked_says_why(keras: Any) -> None:
    """A model whose calls are not recorded anywhere, and one of another Keras."""
    with pytest.raises(BadGraph, match=r"is not built yet: begin it with keras.Input"):
        walk(keras.Sequential([keras.layers.Dense(1)]))

    class Mine(keras.Model):  # type: ignore[misc, name-defined]
        pass

    with pytest.raises(BadGraph, match="is a subclassed model: how its layers are connected"):
        walk(Mine())
    tf_keras = pytest.importorskip("tf_keras")
    with pytest.raises(BadArgument, match="this is one of Keras 2: save it"):
        walk(tf_keras.Sequential([tf_keras.layers.Dense(1)]))
    with pytest.raises(BadArgument, match="and Dense is none"):
        walk(keras.layers.Dense(1))


def test_errors_name_the_file(tmp_path: Path) -> None:
    """Once, whoever reads it."""
    path = tmp_path / "m.json"
    save_json(gated, (32, 32, 3), path)
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    for read in (read_model, inspect_file):
        with pytest.raises(BadFile) as raised:
            read(str(path))
        assert str(raised.value).count(str(path)) == 1
