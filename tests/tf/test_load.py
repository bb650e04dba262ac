"""TensorFlow is loaded late and quietly, and where it is missing that is said in one line."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Any

import pytest

from attn_cli.errors import MissingPackage
from attn_cli.signals import ended_between_calls, held_back, interrupt_kept
from attn_cli.tf import load
from attn_cli.tf.load import is_loaded, load_keras, quiet


def print_everywhere(what: str) -> None:
    """Print as Python does, and as C++ does below it."""
    print(what, flush=True)
    os.write(1, f"{what}\n".encode())
    os.write(2, f"{what}\n".encode())


def test_quiet_drops_what_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    """On both streams, at both levels, and only meanwhile."""
    print_everywhere("before")
    with quiet():
        print_everywhere("noise")
    print_everywhere("after")
    out, err = capfd.readouterr()
    assert out.split() == ["before", "before", "after", "after"]
    assert err.split() == ["before", "after"]


def test_quiet_lets_errors_through(capfd: pytest.CaptureFixture[str]) -> None:
    """What is raised is raised, and the streams are back."""
    with pytest.raises(ZeroDivisionError), quiet():
        raise ZeroDivisionError
    os.write(1, b"back")
    assert capfd.readouterr().out == "back"


def test_whoever_wants_all_gets_it_on_stderr(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TF_CPP_MIN_LOG_LEVEL=0 nothing is dropped, and stdout is still clean."""
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with quiet():
        print_everywhere("said")
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("said") == 3


def test_quiet_takes_a_closed_stream() -> None:
    """As with `2>&-`."""
    before = os.dup(2)
    os.close(2)
    try:
        with quiet():
            pass
    finally:
        os.dup2(before, 2)
        os.close(before)


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have these modules look as though they were not loaded."""
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_missing_tensorflow_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    without(monkeypatch, "keras", "tensorflow")
    assert not is_loaded()
    monkeypatch.setattr(load, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"not installed: pip install 'tensorflow>=2.16'$"):
        load_keras()


def keras_of(monkeypatch: pytest.MonkeyPatch, folder: Any, text: str) -> None:
    """Have a text stand for Keras."""
    without(monkeypatch, "keras", "tensorflow")
    monkeypatch.setattr(load, "find_spec", lambda name: object())
    (folder / "keras.py").write_text(text)
    monkeypatch.syspath_prepend(folder)


def test_a_tensorflow_that_does_not_load_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The last line of the error, which is the one that says why."""
    keras_of(monkeypatch, tmp_path, 'raise ImportError("Traceback:\\n\\nlibcudart is missing\\n")')
    with pytest.raises(MissingPackage, match=r"^TensorFlow does not load: libcudart is missing$"):
        load_keras()


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs Keras on another backend keeps it."""

    class Keras:
        """Keras on JAX."""

        class backend:
            @staticmethod
            def backend() -> str:
                return "jax"

    monkeypatch.setitem(sys.modules, "keras", Keras)
    monkeypatch.setitem(sys.modules, "tensorflow", object())
    with pytest.raises(MissingPackage, match="Keras runs on jax in this process"):
        load_keras()


def test_a_swallowed_interrupt_is_raised_in_the_end() -> None:
    """Whether an import drops it, turns it into an error of its own, or lets it through."""

    def dropped() -> None:
        with interrupt_kept(), suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    def turned() -> None:
        with interrupt_kept():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("initialization failed") from None

    def through() -> None:
        with interrupt_kept():
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    for interrupted in (dropped, turned, through):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(ImportError), interrupt_kept():
        raise ImportError


def test_signals_are_held_back_to_the_end() -> None:
    """What is under way is finished first."""
    done = []

    def tidy_up() -> None:
        with held_back():
            signal.raise_signal(signal.SIGINT)
            done.append("tidied")

    with pytest.raises(KeyboardInterrupt):
        tidy_up()
    assert done == ["tidied"]


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)],
)
def test_a_signal_ends_the_program_between_two_calls(
    number: signal.Signals, error: type[BaseException]
) -> None:
    """What is under way returns first; with the exit code that a shell gives to it."""
    done = []

    def work() -> None:
        with ended_between_calls() as check:
            signal.raise_signal(number)
            done.append("first call")
            check()
            done.append("second call")

    before = signal.getsignal(number)
    with pytest.raises(error) as caught:
        work()
    assert done == ["first call"]
    assert error is KeyboardInterrupt or caught.value.args == (143,)
    assert signal.getsignal(number) is before


def test_a_second_interrupt_does_not_wait() -> None:
    """A call can take long, and somebody insists."""
    done = []

    def work() -> None:
        with ended_between_calls():
            signal.raise_signal(signal.SIGINT)
            done.append("once")
            signal.raise_signal(signal.SIGINT)
            done.append("twice")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["once"]


def test_an_interrupt_outweighs_the_error_that_it_made() -> None:
    """What fails because somebody pressed Ctrl-C is not what they want to read about."""

    def work() -> None:
        with ended_between_calls():
            signal.raise_signal(signal.SIGINT)
            raise TypeError

    with pytest.raises(KeyboardInterrupt):
        work()


def test_circles_are_looked_for_once_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The program does without until then: nothing else makes them."""
    text = "import gc\nraise ImportError(f'collecting: {gc.isenabled()}')"
    keras_of(monkeypatch, tmp_path, text)
    gc.disable()
    try:
        with pytest.raises(MissingPackage, match="collecting: True"):
            load_keras()
    finally:
        gc.enable()
