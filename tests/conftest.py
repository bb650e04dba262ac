"""What all tests share.

`pytest -m "not slow"` takes seconds: it starts no process, never imports TensorFlow, and draws a
tenth of the examples. What is slow is marked by what it does: see slow.py. `--overwrite-goldens`
rewrites the drawn output in golden/ instead of comparing with it. Drawn examples are the same in
every run; `--hypothesis-profile=explore` draws new ones, and more of them.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from slow import is_slow

from attn_cli.cli.app import TRACEBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOLDEN = Path(__file__).parent / "golden"

shared = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
fixed = settings(shared, derandomize=True, database=None)
settings.register_profile("fixed", fixed, max_examples=200)
settings.register_profile("quick", fixed, max_examples=20)
settings.register_profile("explore", shared, max_examples=2000)
settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--overwrite-goldens",
        action="store_true",
        help="write what is drawn now to tests/golden/ instead of comparing with it",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw less for who waits for it, if nothing else is said; let faults be seen."""
    os.environ[TRACEBACK] = "1"  # a fault of ours is to be seen
    # A shell has what runs beside it ignore Ctrl-C, and what is started by that would do so too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    quick = config.getoption("markexpr") == "not slow"
    if quick and config.getoption("--hypothesis-profile") is None:
        settings.load_profile("quick")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark slow what is."""
    if isinstance(item, pytest.Function) and is_slow(item):
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold what is not marked slow to that: it starts no process and loads no TensorFlow."""
    if item.get_closest_marker("slow"):
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "Popen", Refused)
        loaded = tensorflow_is_loaded()
        result = yield
    assert loaded or not tensorflow_is_loaded(), "this loads TensorFlow: mark it slow"
    return result


def tensorflow_is_loaded() -> bool:
    """Tell whether it is, and not a test's own in its place."""
    return isinstance(sys.modules.get("tensorflow"), ModuleType)


class Refused:
    """What a process is to a quick test."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise AssertionError("this starts a process unseen by slow.py: mark it slow")


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras on TensorFlow, loaded once for all tests that build something, and Keras 2 beside it.

    Without what takes time and changes nothing here:

    - The collector does not go through the 300,000 objects of which they consist, in 0.15 s, each
      time that Keras is asked to forget what was built.
    - Nor does TensorFlow forget its kernels then, which take half the time of building a block.
    - Keras 2 writes each LSTM and GRU into a graph twice, with their gradients: the one that is for
      a GPU is left out.
    """
    from attn_cli.tf.load import load_keras

    loaded = load_keras()
    from tensorflow.python.eager import context

    context.Context.clear_kernel_cache = lambda _: None
    with suppress(ImportError):
        from tf_keras.src.layers.rnn import gru_lstm_utils

        gru_lstm_utils.function_register = lambda *_, **__: None
    gc.collect()
    gc.freeze()
    return loaded


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return a check that a text equals the file of this name in golden/."""
    overwrite = request.config.getoption("--overwrite-goldens")

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if overwrite:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"golden/{name} is missing: pytest --overwrite-goldens writes it"
        assert text == path.read_text(encoding="utf-8")

    return check
