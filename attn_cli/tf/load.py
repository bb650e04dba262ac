"""Importing TensorFlow: late, quietly, and with one line where it is missing."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from attn_cli.errors import MissingPackage


def load_keras() -> Any:
    """Return `keras`, running on TensorFlow. Raises MissingPackage where it is not installed."""
    if find_spec("tensorflow") is None:
        raise MissingPackage("this builds the block in TensorFlow: pip install tensorflow")
    # Read when the libraries are loaded: errors only, and no banner about CPU features.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    return keras
