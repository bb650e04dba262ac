"""`--in MODEL --at WHERE`: what blocks cost in a network, and where they could go."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from process import attn, run_here

from attn_cli.views import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

RESNET = ("--in", "app:ResNet50", "--at", "residual")
DRAWN = {
    "in": ("compare", "se:ratio=16", "eca", "cbam", *RESNET),
    "in-places": (
        *("compare", "eca", "none", "--in", "app:EfficientNetB0", "--at", "se", "--places"),
        *("--skip", "block[4567]*"),
    ),
    "in-misfits": ("compare", "se:ratio=32", "--in", "app:MobileNetV2", "--skip-misfits"),
    "in-asked": ("compare", "eca", *RESNET, "--input", "448,320,3"),
    "in-dynamic": ("compare", "se", "--in", "app:MobileNetV3Small", "--at", "residual"),
    "sites": ("places", "app:MobileNetV2"),
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", DRAWN)
def test_output_is_as_it_was(name: str, format: str, golden: Callable[[str, str], None]) -> None:
    """A change of the output is a change to look at."""
    result = run_here([*DRAWN[name], "--format", format])
    assert (result.code, result.err) == (0, "")
    golden(f"cli/{name}.{format}", result.out)


@pytest.mark.parametrize("columns", [40, 80])
def test_terminals_are_as_they_were(columns: int, golden: Callable[[str, str], None]) -> None:
    """What people came for stays: the params, and what is added."""
    result = attn(*DRAWN["in"], columns=columns, env={"NO_COLOR": "1"})
    assert (result.code, result.err) == (0, "")
    golden(f"cli/in-{columns}.txt", result.out)


def test_what_is_there_and_what_is_added_make_what_comes_out() -> None:
    """Figure by figure; and the places' own add up to what is added."""
    printed = json.loads(run_here([*DRAWN["in"], "--json"]).out)
    for block in printed["blocks"]:
        for figure in ("bytes", "macs", "flops"):
            total = printed["before"][figure] + block["added"][figure]
            assert total == block["after"][figure]
        for figure, before in printed["before"]["params"].items():
            assert before + block["added"]["params"][figure] == block["after"]["params"][figure]
        assert sum(each["macs"] for each in block["places"]) == block["added"]["macs"]
        assert len(block["places"]) == len(printed["places"]) == 16


def test_the_usual_place_is_taken_and_said() -> None:
    """In place of attention where there is some; else at the end of residual branches."""
    usual = run_here(["compare", "se", "--in", "app:EfficientNetB0", "--json"])
    assert json.loads(usual.out)["at"] == ["attention"]
    said = run_here(["compare", "eca", "--in", "app:ResNet50"]).out.splitlines()[1]
    assert said.startswith("at residual (the usual place, as --at says none), 16 places: ")


# What is typed, and the line that answers it.
# ruff: noqa: E501 # a line of the table is as long as the line that it expects
BAD = {
    "compare se --at residual": "--at is about places in a network: name that with --in MODEL",
    "compare se -s 7,7,64 --skip x": "--skip is about places in a network: name that with --in MODEL",
    "compare se -s 7,7,64 --places": "--places is about places in a network: name that with --in MODEL",
    "compare se -s 7,7,64 --in app:VGG16": "--shape is for blocks on their own, and --in puts them in a network; --input is the size that the network is asked at",
    "compare se -c 64 --in app:VGG16": "--channels is for blocks on their own, and --in puts them in a network",
    "compare se --sort params --in app:VGG16": "--sort is for blocks on their own, and --in puts them in a network",
    "compare se --in app:VGG17": "app:VGG17: no application is called 'VGG17'; did you mean app:VGG19, or app:VGG16?",
    "compare se --in missing.keras": "missing.keras: there is no such file",
    "compare se --in tests/data/keras_3_5.weights.h5": "tests/data/keras_3_5.weights.h5: the file does not tell the layers, only their weights",
    "compare nonne --in app:VGG16": "no block is called 'nonne' (attn blocks lists them all)",
    "compare none --in app:ResNet50": "no place is attention: it has no attention",
    "compare none --in app:ResNet50 --at post": "none takes attention out, and there is none at these places",
    "compare se bam --in app:ResNet50": "se usually goes to residual, and bam usually goes to stage: say where with --at",
    "compare se:ratio=32 --in app:MobileNetV2": "se:ratio=32 at block_2_project_BN: ratio 32 squeezes 24 channels to a width of 0; the largest ratio here is 24 (--skip-misfits leaves such places out)",
    "compare triplet --in app:MobileNetV3Small --at residule": "no layer is called 'residule', and no word; did you mean residual? (words: residual, depthwise, post, stage, attention, or a block's name)",
    "places app:ResNet50 --skip conv2*": "--skip takes away from the places that --at names: give both",
    "check -b se --at post --max-params 1": "--at is about places in a network: name that with --in MODEL",
    "check app:VGG16 --in app:VGG16 --max-params 1": "--in is for a block that is put in a network: SPEC is missing",
    "compare se -s 7,7,64 --input 7,7,64": "--input is the input of a network: name that with --in MODEL (a block alone has --shape 7,7,64)",
    "verify se -s 7,7,64 --input 7,7,64": "--input is the input of a network: name that with --in MODEL (a block alone has --shape 7,7,64)",
    "bench se -s 7,7,64 --input 7,7,64": "--input is the input of a network: name that with --in MODEL (a block alone has --shape 7,7,64)",
    "build se -s 7,7,64 --input 7,7,64 -o x.keras": "--input is the input of a network: name that with --in MODEL (a block alone has --shape 7,7,64)",
    "check se -s 7,7,64 --input 7,7,64 --max-params 1": "--input is the input of a network: name that with --in MODEL (a block alone has --shape 7,7,64)",
    "check --input 7,7,64": "what to check is missing: SPEC --shape H,W,C, as in eca -s 26,26,512, or MODEL",
    "compare se --in app:ResNet50 --input 448,448": "a shape is H,W,C, as in 26,26,512, not '448,448'",
    "compare se --in app:ResNet50 --input big": "a shape is H,W,C, as in 26,26,512, not 'big'",
    "inspect app:ResNet50 --input 448,448,0": "a size in '448,448,0' is 0; the least is 1",
    "places app:ResNet50 --input 448,448,1": "app:ResNet50: its input (None, 224, 224, 3) has 3 channels, and 448,448,1 has 1",
    "diff app:ResNet50 app:VGG16 --input 448,448,3": "app:VGG16: at 448,448,3, Dense 'fc1' would get (None, 100352): its kernel of 25088 × 4096 would be one of 100352 × 4096; the file notes an input of 224,224,3",
    "build eca --in app:VGG16 --at stage --input 16,16,3 -o x.keras": "app:VGG16: at 16,16,3, MaxPooling2D 'block5_pool' would get (None, 1, 1, 512): a kernel of 2 (dilation 1) does not fit the feature map; the file notes an input of 224,224,3",
    "inspect tests/data/keras_3_5.weights.h5 --input 224,224,3": "tests/data/keras_3_5.weights.h5: the file does not tell the layers: no input size can be asked of it",
    "inspect tests/data/keras_3_5.keras --input 224,224,3": "tests/data/keras_3_5.keras: another input size is asked of a model that takes one feature map (H, W, C); this takes input_layer_2 (None, 3, 8, 8, 4)",
    "build none --in app:EfficientNetB0 --ratio 4 -o new.keras": "none takes attention out: there is no block for --ratio 4",
    "build se -b none --in app:EfficientNetB0 -o new.keras": "none takes attention out: there is no block for --block se",
    "build none -b none --in app:EfficientNetB0 -o new.keras": "none takes attention out: there is no block for --block none",
    "check -b se -s 7,7,64 --max-added-params 1": "--max-added-params is for a block in a network",
}


# What every command that takes --in answers alike.
COMMANDS = {
    "compare": "compare {0}",
    "check": "check -b {0} --max-params 1",
    "build": "build {0} -o new.keras",
    "verify": "verify {0}",
    "bench": "bench {0}",
}
BAD_ANYWHERE = {
    "se --at post": "--at is about places in a network: name that with --in MODEL",
    "se --skip x": "--skip is about places in a network: name that with --in MODEL",
    "se --in app:VGG16 --shape 7,7,64": "--shape is for blocks on their own, and --in puts them in a network; --input is the size that the network is asked at",
    "se --in app:VGG16 --channels 64": "--channels is for blocks on their own, and --in puts them in a network",
    "se --in app:VGG16 --at residual": "no place is residual: no branch is added to a shortcut",
    "se --in app:VGG16 --at se": "no place is se: it has no attention",
    "none --in app:VGG16": "no place is attention: it has no attention",
    "none --in app:VGG16 --at stage": "none takes attention out, and there is none at these places",
    "se --in app:VGG16 --at residule": "no layer is called 'residule', and no word; did you mean residual? (words: residual, depthwise, post, stage, attention, or a block's name)",
    "se --in app:VGG16 --at x* --at stage": "no layer is called 'x*', and no word (words: residual, depthwise, post, stage, attention, or a block's name)",
    "se --in app:VGG16 --at fc1": "fc1 yields (None, 4096): no feature map",
    "se --in app:VGG16 --at stage --skip x*": "nothing is skipped by 'x*': none of the places is called so",
    "se --in app:VGG16 --at stage --skip block*": "every place is skipped: no place is left",
    "se --in app:VG16": "app:VG16: no application is called 'VG16'; did you mean app:VGG16, or app:VGG19?",
    "se --in no.keras": "no.keras: there is no such file",
    "se --in weights.h5": "weights.h5: the file does not tell the layers, only their weights",
    "se --in subclassed.keras": "subclassed.keras: a subclassed model: its layers stand in its own code, not in the file",
    "coord --in app:MobileNetV3Small --at residual": "coord at expanded_conv_2_project_bn: this block takes rows and columns apart, so it needs a fixed H and W: (B, H, W, C) is (None, None, None, 24)",
    "se:ratio=32 --in app:MobileNetV2 --at residual": "se:ratio=32 at block_2_project_BN: ratio 32 squeezes 24 channels to a width of 0; the largest ratio here is 24",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models that do not tell their layers."""
    folder = tmp_path_factory.mktemp("models")
    data = Path(__file__).parents[1] / "data"
    (folder / "weights.h5").write_bytes((data / "keras_3_5.weights.h5").read_bytes())
    config = {
        "class_name": "Net",
        "config": {"name": "net", "trainable": True},
        "registered_name": "mine>Net",
    }
    with zipfile.ZipFile(folder / "subclassed.keras", "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
        file.writestr("config.json", json.dumps(config))
    return folder


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("given", BAD_ANYWHERE)
def test_bad_input_gets_the_same_line_of_every_command(
    given: str, command: str, folder: Path
) -> None:
    """Exit code 2, and nothing written; and TensorFlow, which two of them need, is not loaded."""
    block, _, rest = given.partition(" ")
    before = sorted(folder.iterdir())
    line = f"{COMMANDS[command].format(block)} {rest}"
    shaped = "--in" not in given and command != "check"
    result = run_here([*line.split(), *(["-s", "7,7,64"] if shaped else [])], cwd=folder)
    answer = BAD_ANYWHERE[given]
    if command == "compare" and answer.startswith(f"{block} at "):
        answer += " (--skip-misfits leaves such places out)"
    assert (result.code, result.out, result.err) == (2, "", f"attn: {answer}\n")
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("line", BAD)
def test_bad_input_gets_one_line(line: str) -> None:
    root = Path(__file__).parents[2]
    assert run_here(line.split(), cwd=root) == (2, "", f"attn: {BAD[line]}\n")


def test_a_size_is_asked_wherever_a_model_is_read(tmp_path: Path) -> None:
    """The MACs are those of that size, on the command line, in a configuration, as --init writes."""
    macs, asked = 216_589_760, ("--input", "224,224,3")
    model = "app:MobileNetV3Large"
    inspected = json.loads(run_here(["inspect", model, *asked, "--json"]).out)
    assert inspected["macs"] == macs
    assert inspected["model"]["noted_input"] == [None, None, None, 3]
    compared = json.loads(run_here(["compare", "eca", "--in", model, *asked, "--json"]).out)
    assert compared["before"]["macs"] == macs
    places = json.loads(run_here(["places", model, "--at", "se", *asked, "--json"]).out)
    assert places["places"][0]["input_shape"] == [None, 28, 28, 72]
    changes = json.loads(run_here(["diff", model, model, *asked, "--json"]).out)
    assert changes["inputs"] == {each: [[None, 224, 224, 3]] for each in ("before", "after")}
    assert changes["model"]["macs"] == {"before": macs, "after": macs, "difference": 0}
    assert run_here(["check", model, *asked, "--max-macs", str(macs)]).code == 0
    assert run_here(["check", model, *asked, "--max-macs", str(macs - 1)]).code == 1
    for subject in ([model], ["eca", "--in", model, "--at", "se"]):
        result = run_here(["check", *subject, *asked, "--init", "--force"], cwd=tmp_path)
        assert (result.code, result.err) == (0, "")
        assert "input = [224, 224, 3]\n" in Path(tmp_path / "attn.toml").read_text()
        result = run_here(["check", "--json"], cwd=tmp_path)
        assert (result.code, result.err) == (0, "")
        assert json.loads(result.out)["checks"][0]["input_shape"] == [None, 224, 224, 3]


def test_what_is_unknown_names_the_way_out() -> None:
    """As `inspect` does, so does a check that cannot be made."""
    model = "app:MobileNetV3Small"
    for subject in ([model], ["eca", "--in", model, "--at", "post"]):
        result = run_here(["check", *subject, "--max-flops", "5"])
        assert result.code == 2
        way_out = "(--input 224,224,3 works them out)"
        assert f"FLOPs cannot be known: H or W is dynamic {way_out}" in result.out


def test_files_that_do_not_take_a_size_are_named_among_others() -> None:
    """The others are shown all the same, with what their file notes."""
    result = run_here(["inspect", "app:VGG16", "app:ResNet50", "--input", "448,448,3"])
    assert result.code == 2
    assert result.err.startswith("attn: app:VGG16: at 448,448,3, Dense 'fc1' would get ")
    assert "app:ResNet50 at 448 × 448 × 3: the file notes (None, 224, 224, 3)" in result.out


def test_a_check_bounds_what_is_added(tmp_path: Path) -> None:
    """On the command line, in a configuration, and as --init writes it."""
    line = ["check", "-b", "eca", *RESNET, "--max-added-params"]
    assert run_here([*line, "86"]).code == 0
    assert run_here([*line, "85"]).code == 1
    Path(tmp_path / "attn.toml").write_text(
        '[[check]]\nname = "x"\nblock = "se:ratio=16"\nin = "app:ResNet50"\nat = "residual"\n'
        "max_added_share = 0.0988\nmax_params = 28_167_704\nmax_added_macs = 2_514_944\n"
        "expect = { places = 16 }\n"
    )
    result = run_here(["check"], cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    assert "share added 9.87% ≤ 9.88%" in result.out
    line = ["check", "-b", "eca", "--in", "app:MobileNetV2", "--init", "--force"]
    assert run_here(line, cwd=tmp_path).code == 0
    assert "max_added_params = 34\n" in (tmp_path / "attn.toml").read_text()
    assert run_here(["check"], cwd=tmp_path).code == 0
