"""A block as a file: every format, whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attn_cli.blocks import BLOCKS
from attn_cli.errors import BadFile, BadOption, BadShape
from attn_cli.files import open_file, remembering
from attn_cli.spec import parse_spec
from attn_cli.tf import save
from attn_cli.tf.save import FORMATS, check_target, replacing, save_block, size_of
from attn_cli.writing import beside

SHAPE = (6, 5, 32)
NAMES = {".keras": "m.keras", ".tflite": "m.tflite", "": "m"}


def left(folder: Path) -> list[str]:
    """Return what stands in a folder, hidden names too."""
    return sorted(os.listdir(folder))


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", BLOCKS)
def test_saves_every_block_in_every_format(name: str, suffix: str, tmp_path: Path) -> None:
    """It stands there alone, as large as it says, with the parameters of the trace."""
    spec = parse_spec(name)
    path = tmp_path / NAMES[suffix]
    saved = save_block(spec, SHAPE, path)
    assert saved.path == path
    assert saved.params == spec.trace(SHAPE).params
    assert saved.bytes == size_of(path) > 0
    assert 0 <= saved.difference <= save.TOLERANCE
    assert left(tmp_path) == [path.name]


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_dynamic_height_and_width_stay_so(suffix: str, tmp_path: Path) -> None:
    """What is saved without a fixed H and W takes any."""
    path = tmp_path / NAMES[suffix]
    save_block(parse_spec("cbam"), (None, None, 32), path)
    run = FORMATS[suffix].read(path)
    for height, width in ((3, 8), (11, 2)):
        inputs = np.ones((1, height, width, 32), np.float32)
        assert np.asarray(run(inputs)).shape == inputs.shape


def test_the_seed_makes_the_weights(keras: Any, tmp_path: Path) -> None:
    """The same seed gives the same weights, another one others."""
    kernels = []
    for number, seed in enumerate((1, 1, 2)):
        path = tmp_path / f"{number}.keras"
        save_block(parse_spec("se"), SHAPE, path, seed=seed)
        kernels.append(keras.saving.load_model(path).get_weights()[0])
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_the_name_is_the_models_and_its_layers_prefix(keras: Any, tmp_path: Path) -> None:
    """Without a name the model has the block's."""
    save_block(parse_spec("se"), SHAPE, tmp_path / "a.keras", name="stage3_se")
    named = keras.saving.load_model(tmp_path / "a.keras")
    assert named.name == "stage3_se"
    assert [layer.name for layer in named.layers[1:]][:2] == [
        "stage3_se_squeeze",
        "stage3_se_reshape",
    ]
    save_block(parse_spec("se-timm"), SHAPE, tmp_path / "b.keras")
    assert keras.saving.load_model(tmp_path / "b.keras").name == "se_timm"


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", FORMATS)
def test_replaces_only_when_forced(suffix: str, tmp_path: Path) -> None:
    """What stands there stays, byte for byte, until it is replaced whole."""
    path = tmp_path / NAMES[suffix]
    save_block(parse_spec("se"), SHAPE, path)
    before = size_of(path)
    with pytest.raises(BadFile, match="exists; --force replaces it"):
        save_block(parse_spec("eca"), SHAPE, path)
    assert size_of(path) == before
    saved = save_block(parse_spec("eca"), SHAPE, path, force=True)
    assert size_of(path) == saved.bytes != before
    assert left(tmp_path) == [path.name]


def test_a_folder_that_is_no_saved_model_is_never_replaced(tmp_path: Path) -> None:
    """Forced or not: somebody's files are in it."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("cat")
    for path in (tmp_path / "photos", tmp_path, Path("/"), Path(".."), Path(os.devnull)):
        for force in (True, False):
            with pytest.raises(BadFile):
                check_target(path, force)
    (tmp_path / "empty").mkdir()
    assert check_target(tmp_path / "empty", force=True) == tmp_path / "empty"


SAVED = ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001")


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], None),
        (["fingerprint.pb", "keras_metadata.pb", "assets/words.txt", "assets.extra/x"], None),
        (["thesis.tex"], "has 'thesis.tex' beside its SavedModel: it is left alone"),
        (["thesis.tex", "a/b/c"], "has 'a' and 1 more beside its SavedModel: it is left alone"),
        (["variables/thesis.tex"], "has 'variables/thesis.tex' beside its SavedModel"),
        (["fingerprint.pb/thesis.tex"], "has 'fingerprint.pb' beside its SavedModel"),
    ],
)
def test_only_what_a_saved_model_is_made_of_is_replaced(
    others: list[str], said: str | None, tmp_path: Path
) -> None:
    """Somebody's files may lie in its folder, and one of them be called as part of it."""
    target = tmp_path / "export"
    for name in (*SAVED, *others):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(name)

    def replace() -> None:
        with replacing(target) as temporary:
            temporary.mkdir()
            (temporary / "saved_model.pb").write_text("new")

    if said is None:
        assert check_target(target, force=True) == target
        replace()
        assert [each.name for each in target.iterdir()] == ["saved_model.pb"]
    else:
        # What came while the model was built is seen as well.
        for attempt in (lambda: check_target(target, force=True), replace):
            with pytest.raises(BadFile, match=f"^'.*export' exists and {said}"):
                attempt()
        assert (target / others[0]).read_text() == others[0]
    assert left(tmp_path) == ["export"]


def test_a_model_that_is_read_is_not_replaced(tmp_path: Path) -> None:
    """Nor a SavedModel with it among its assets."""
    assets = tmp_path / "export" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "export" / "saved_model.pb").write_text("a model")
    (assets / "model.keras").write_text("a model")
    (tmp_path / "link.keras").hardlink_to(assets / "model.keras")
    with remembering():
        with open_file(assets / "model.keras"):
            pass
        for name in ("export", "link.keras"):
            with pytest.raises(BadFile, match="is a file that this reads: write to another one"):
                check_target(tmp_path / name, force=True)


@pytest.mark.parametrize("name", ["old", "new", "replaced", "between"])
def test_any_name_can_be_replaced(name: str, tmp_path: Path) -> None:
    """Also one that something has on the way."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "saved_model.pb").write_text("old")
    with replacing(tmp_path / name) as temporary:
        temporary.mkdir()
        (temporary / "saved_model.pb").write_text("new")
    assert (tmp_path / name / "saved_model.pb").read_text() == "new"
    assert left(tmp_path) == [name]


def test_a_file_and_a_folder_do_not_replace_each_other(tmp_path: Path) -> None:
    """A suffix says which of the two is meant."""
    (tmp_path / "m").write_text("a file")
    (tmp_path / "m.keras").mkdir()
    for name in ("m", "m.keras"):
        with pytest.raises(BadFile, match="it is left alone"):
            check_target(tmp_path / name, force=True)


BAD_PATHS = {
    "m.h5": "m.h5' is not written: Keras 3 loads no .h5 again with ops in it; it is one of .keras",
    "m.txt": "the suffix of '.*m.txt' names no format; it is one of .keras, .tflite",
    "m.keras.gz": "names no format",
    "nowhere/m.keras": "there is no folder '.*nowhere'",
    "file/m.keras": "there is no folder '.*file'",
}


@pytest.mark.parametrize("name", BAD_PATHS)
def test_says_what_is_wrong_with_a_path(name: str, tmp_path: Path) -> None:
    """Before anything is built."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadFile, match=BAD_PATHS[name]):
        check_target(tmp_path / name)


def test_follows_a_link(tmp_path: Path) -> None:
    """A link stays a link; what it leads to is written."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.keras").symlink_to(tmp_path / "folder" / "m.keras")
    assert check_target(tmp_path / "link.keras") == tmp_path / "folder" / "m.keras"


def test_says_what_is_wrong_with_the_rest(tmp_path: Path) -> None:
    """Seeds, names and shapes are refused before TensorFlow is needed."""
    se, path = parse_spec("se"), tmp_path / "m.keras"
    for seed in (-1, 2**32):
        with pytest.raises(BadOption, match="a seed is from 0 to 4294967295"):
            save_block(se, SHAPE, path, seed=seed)
    for name in ("a/b", "a b", "", "é", "-a"):
        with pytest.raises(BadOption, match="a model's name is letters, digits"):
            save_block(se, SHAPE, path, name=name)
    with pytest.raises(BadShape, match=r"needs about .* EiB of memory, and .* is free"):
        save_block(se, (2**31 - 1, 2**31 - 1, 4), path)
    with pytest.raises(BadShape, match="needs a fixed H and W"):
        save_block(parse_spec("coord"), (None, None, 32), path)
    assert left(tmp_path) == []


class Failure(Exception):
    """What a test lets happen."""


@pytest.mark.parametrize("error", [Failure, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", [True, False])
def test_whatever_happens_nothing_is_left(
    error: type[BaseException], existing: bool, tmp_path: Path
) -> None:
    """An old file stays as it was, and there is no half of a new one."""
    path = tmp_path / "m.keras"
    if existing:
        path.write_text("old")

    def interrupted() -> None:
        with beside(path) as temporary:
            temporary.write_text("half")
            temporary.with_name("more").mkdir()
            raise error

    with pytest.raises(error):
        interrupted()
    assert left(tmp_path) == (["m.keras"] if existing else [])
    assert not existing or path.read_text() == "old"


def test_a_folder_that_cannot_be_replaced_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old SavedModel is moved aside first; where the new one fails, it is moved back."""
    target = tmp_path / "m"
    target.mkdir()
    (target / "saved_model.pb").write_text("old")
    rename = Path.rename

    def fails(self: Path, to: Path) -> Path:
        if to == target and self.name == "m":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fails)

    def replace() -> None:
        with beside(target) as temporary:
            temporary.mkdir()
            (temporary / "saved_model.pb").write_text("new")

    with pytest.raises(BadFile, match="Input/output error"):
        replace()
    assert (target / "saved_model.pb").read_text() == "old"
    assert left(tmp_path) == ["m"]


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_computes_something_else_is_not_kept(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Success is only reported of what was loaded again and yields the same."""
    format = FORMATS[suffix]

    def other(path: Path) -> Any:
        run = format.read(path)
        return lambda inputs: np.asarray(run(inputs)) + 0.01

    monkeypatch.setitem(FORMATS, suffix, format._replace(read=other))
    with pytest.raises(BadFile, match="yields other values when loaded than when built"):
        save_block(parse_spec("se"), SHAPE, tmp_path / NAMES[suffix])
    assert left(tmp_path) == []


@pytest.mark.usefixtures("keras")
def test_a_file_that_does_not_load_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written is damaged before it is read again."""
    format = FORMATS[".keras"]

    def damage(model: Any, path: Path) -> None:
        format.write(model, path)
        path.write_bytes(path.read_bytes()[:-100])

    monkeypatch.setitem(FORMATS, ".keras", format._replace(write=damage))
    with pytest.raises(BadFile, match="was written and does not load"):
        save_block(parse_spec("se"), SHAPE, tmp_path / "m.keras")
    assert left(tmp_path) == []


@pytest.mark.usefixtures("keras")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    """A limit on the size of files stands for it: writing fails halfway, in Python and in C++."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(BadFile, match=r"^cannot write 'm[.a-z]*': File too large$"):
            save_block(parse_spec("se"), (6, 5, 128), tmp_path / NAMES[suffix])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert left(tmp_path) == []
