"""A user's own block: file.py:function wherever a block is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from attn_cli.blocks import find_block
from attn_cli.errors import AttnError, BadOption, BadSpec, NotModelled
from attn_cli.spec import parse_spec

MINE = '''
from attn_cli import namespace_of


def gate(inputs, *, ratio: int = 4, activation="relu", bias: bool | None = None):
    """Mine: gate each channel as I like it.

    The idea.

    Args:
        ratio: how narrow.
    """
    keras = namespace_of(inputs)
    channels = inputs.shape[-1]
    s = keras.layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    s = keras.layers.Dense(channels // ratio, activation=activation)(s)
    s = keras.layers.Dense(channels, activation="sigmoid")(s)
    return keras.layers.Multiply()([inputs, s])
'''


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of a file with a block, as one types it."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my, own blocks"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE)
    # Files of the same relative path differ from test to test.
    find_block.cache_clear()
    from attn_cli.blocks import own

    own._load.cache_clear()
    return "my, own blocks/mine.py"


def test_is_a_block_like_any_other(mine: str) -> None:
    """Its options come from the signature, its figures from the trace, its spec is canonical."""
    spec = parse_spec(f"{mine}:gate:ratio=8,activation=relu,bias=none")
    assert spec.text == f"{mine}:gate:ratio=8"
    assert spec.options == {"ratio": 8, "activation": "relu", "bias": None}
    assert spec.block.options["ratio"].help == "how narrow."
    assert spec.block.options["activation"].type == "str"
    assert spec.block.title == "Mine"
    assert spec.trace((8, 8, 64)).params.total == 2 * 64 * 8 + 8 + 64
    assert parse_spec(spec.text).options == spec.options


def test_says_what_an_option_takes(mine: str) -> None:
    """A wrong option is answered as for the blocks that come with the program."""
    with pytest.raises(BadSpec, match="ratio is an integer, not 'x'"):
        parse_spec(f"{mine}:gate:ratio=x")
    with pytest.raises(BadSpec, match=r"has no option 'ration'.*did you mean ratio"):
        parse_spec(f"{mine}:gate:ration=3")


def test_is_the_same_built(mine: str, keras: object) -> None:
    """Keras builds what was traced."""
    from attn_cli.tf.walk import build_model, walk

    spec = parse_spec(f"{mine}:gate:ratio=8")
    built = walk(build_model(spec.block.build, (8, 8, 64), **spec.given))
    assert [node.layer.name for node in built.nodes] == [
        node.layer.name for node in spec.trace((8, 8, 64)).nodes
    ]


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        ("def f(x):\n    return (\n", BadSpec, "2: '(' was never closed"),
        ("import nonsense_module\n", BadSpec, "1: ModuleNotFoundError: No module named"),
        ("\n\n1 / 0\n", BadSpec, "3: ZeroDivisionError: division by zero"),
        ("raise SystemExit('bye')\n", BadSpec, "1: SystemExit: bye"),
        ("g = 1\n", BadSpec, " has no function 'f'; it has none"),
        ("def ff(x): return x\n", BadSpec, " has no function 'f'; it has ff; did you mean ff?"),
        ("def f(x):\n    pass\n", BadSpec, "1: f returns nothing; a block returns the feature map"),
        ("def f(x):\n    return [x]\n", BadSpec, "1: f returns a list; a block returns"),
        ("def f(x):\n    g()\n\ndef g():\n    1 / 0\n", BadSpec, "5: ZeroDivisionError: division"),
        ("def f(x):\n    raise ValueError('a\\nb')\n", BadSpec, "2: ValueError: a"),
        ("def f(): pass\n", BadSpec, "1: f takes no feature map; a block is def block(inputs, *"),
        ("def f(x, ratio=4): pass\n", BadSpec, "1: f takes ratio=4 where options stand after a *"),
        ("def f(x, *y): pass\n", BadSpec, "1: f takes *y where options stand after a *"),
        ("def f(x, **y): pass\n", BadSpec, "1: f takes **y where options stand after a *"),
        ("def f(x, *, ratio): pass\n", BadSpec, "1: f: the option ratio needs a default"),
        (
            "def f(x, *, sizes: list[int] = ()): pass\n",
            BadSpec,
            "1: f: the option sizes is annotated list[int]; an option is an int",
        ),
        ("def f(x, *, n=None): pass\n", BadSpec, "1: f: the option n is annotated None; an option"),
        (
            "from attn_cli import namespace_of\n\n"
            "def f(x):\n    return namespace_of(x).layers.LSTM(3)(x)\n",
            NotModelled,
            "4: keras.layers.LSTM is not modelled",
        ),
        (
            "from attn_cli import se_block\n\ndef f(x):\n    return se_block(x, ratio=0)\n",
            BadOption,
            "4: ratio is at least 1, not 0",
        ),
    ],
)
def test_a_mistake_is_shown_as_the_users(
    mine: str, source: str, error: type[AttnError], line: str
) -> None:
    """One line names the user's file and line, and what is wrong there."""
    Path("wrong.py").write_text(dedent(source))
    wanted = rf"^wrong\.py{'' if line.startswith(' ') else ':'}{re.escape(line)}"
    with pytest.raises(error, match=wanted) as caught:
        parse_spec("wrong.py:f").trace((8, 8, 64))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(mine: str) -> None:
    """The file is named, and so is a missing function."""
    with pytest.raises(BadSpec, match=r"^none\.py: there is no such file$"):
        parse_spec("none.py:f")
    with pytest.raises(BadSpec, match=r"as in my, own blocks/mine\.py:FUNCTION; it has gate$"):
        parse_spec(mine)


def test_what_it_prints_is_no_data(mine: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What a user's file prints goes to stderr, and leaves stdout to the figures."""
    Path("loud.py").write_text(
        "print('loading')\n\ndef f(x):\n    print('building')\n    return x\n"
    )
    parse_spec("loud.py:f").trace((8, 8, 64))
    assert capsys.readouterr() == ("", "loading\nbuilding\n")


def test_imports_what_stands_beside_it(mine: str) -> None:
    """A user's file can be made of several."""
    Path("helper_of_mine.py").write_text("from attn_cli import eca_block\n")
    Path("two.py").write_text(
        "from helper_of_mine import eca_block\n\ndef f(x):\n    return eca_block(x)\n"
    )
    assert parse_spec("two.py:f").trace((8, 8, 64)).params.total == 3


def test_plain_names_load_nothing_of_it() -> None:
    """The machinery for files is imported only for files."""
    code = (
        "import sys; from attn_cli.spec import parse_spec; parse_spec('se-timm:ratio=8');"
        "print('attn_cli.blocks.own' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_its_page_says_what_its_docstring_says(mine: str) -> None:
    """No label stands without a text behind it."""
    from process import run_here

    heading, _, _ = run_here(["blocks", f"{mine}:gate"]).out.partition("\n\non ")
    assert heading.splitlines() == [f"{mine}:gate  Mine", "The idea."]
