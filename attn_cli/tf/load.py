"""Importing TensorFlow: late, quietly, and with one line where it is missing."""

from __future__ import annotations

import faulthandler
import gc
import io
import os
import platform
import sys
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from attn_cli.errors import MissingPackage
from attn_cli.signals import interrupt_kept

if TYPE_CHECKING:
    from collections.abc import Iterator


# 2.16 is the first whose Keras is Keras 3.
INSTALL = "pip install 'tensorflow>=2.16'"


def load_keras() -> Any:
    """Return `keras`, running on TensorFlow. Raises MissingPackage where it cannot be had."""
    keras = sys.modules.get("keras")
    if keras is None or "tensorflow" not in sys.modules:
        keras = _import_keras()
    if keras.backend.backend() != "tensorflow":
        raise MissingPackage(
            f"Keras runs on {keras.backend.backend()} in this process, and this needs TensorFlow"
        )
    return keras


def is_loaded() -> bool:
    """Tell whether TensorFlow is there already, or would take seconds to load."""
    return "tensorflow" in sys.modules


def versions() -> dict[str, str]:
    """Return the versions of what builds and runs the blocks."""
    keras = load_keras()
    import numpy as np
    import tensorflow as tf

    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _import_keras() -> Any:
    if find_spec("tensorflow") is None:
        raise MissingPackage(f"this needs TensorFlow, which is not installed: {INSTALL}")
    # Read when the libraries are loaded: errors only. What speaks before it has read them, `quiet`
    # drops.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    gc.enable()  # models are full of circles, and large
    try:
        with quiet(), interrupt_kept():
            import keras
            import tensorflow as tf

            tf.zeros(1)  # finds the devices, which is said at length as well
    except ImportError as error:
        raise MissingPackage(f"TensorFlow does not load: {_last_line(error)}") from error
    if keras.__version__.startswith("2."):
        raise MissingPackage(
            f"this needs Keras 3, and Keras {keras.__version__} is installed: {INSTALL}"
        )
    return keras


@contextmanager
def quiet() -> Iterator[None]:
    """Drop what is printed meanwhile, by C++ below Python's streams as well.

    Errors are raised, and so are seen; what kills the process is told by faulthandler. With
    TF_CPP_MIN_LOG_LEVEL=0 all that TensorFlow says is shown, on stderr.
    """
    wanted = os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0"
    with ExitStack() as undo:
        nowhere = open(os.devnull, "w")  # noqa: SIM115 # closed with the rest
        undo.enter_context(nowhere)
        if wanted:
            undo.enter_context(_pointing(1, 2))
        else:
            _report_crashes(undo)
            undo.enter_context(_pointing(1, nowhere.fileno()))
            undo.enter_context(_pointing(2, nowhere.fileno()))
        # Python's own stdout keeps what is printed for later, when the descriptor is back.
        undo.enter_context(redirect_stdout(sys.stderr if wanted else io.StringIO()))
        yield


@contextmanager
def _pointing(descriptor: int, target: int) -> Iterator[None]:
    """Let a file descriptor point elsewhere; one that is closed stays so."""
    try:
        before = os.dup(descriptor)
    except OSError:
        yield
        return
    try:
        os.dup2(target, descriptor)
        yield
    finally:
        os.dup2(before, descriptor)
        os.close(before)


def _report_crashes(undo: ExitStack) -> None:
    if not faulthandler.is_enabled():
        with suppress(OSError):
            stderr = os.dup(2)
            faulthandler.enable(stderr, all_threads=False)
            undo.callback(os.close, stderr)
            undo.callback(faulthandler.disable)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
