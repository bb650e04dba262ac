"""Writes the data behind `app:NAME`: `python -m tests.applications`, or `nox -s applications`.

The bytes follow from the Keras in use alone.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from attn_cli.sources.applications import FOLDER, SUFFIX
from attn_cli.tf.load import load_keras

if TYPE_CHECKING:
    from pathlib import Path


def names(keras: Any) -> list[str]:
    """Return what keras.applications can build: its functions, each with a name in capitals."""
    return sorted(
        name
        for name, each in vars(keras.applications).items()
        if name[0].isupper() and callable(each)
    )


def build(keras: Any, name: str, **options: Any) -> Any:
    """Return an architecture with Keras' own names, and none of the memory that its weights take.

    Inside the scope a variable has a shape and no value: the largest model takes a second.
    """
    keras.backend.clear_session()
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, name)(weights=None, **options)


def text(keras: Any, name: str) -> str:
    """Return what is shipped of an architecture: its config, and of which Keras it is."""
    config = json.loads(build(keras, name).to_json())
    return json.dumps({**config, "keras_version": keras.__version__}, separators=(",", ":"))


def write(folder: Path) -> None:
    """Write all architectures, and delete what is none any more."""
    keras = load_keras()
    wanted = set()
    for name in names(keras):
        path = folder / f"{name}{SUFFIX}"
        path.write_bytes(gzip.compress(text(keras, name).encode(), 9, mtime=0))
        wanted.add(path)
    for path in set(folder.glob(f"*{SUFFIX}")) - wanted:
        path.unlink()


if __name__ == "__main__":
    write(FOLDER)
