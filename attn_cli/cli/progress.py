"""What is said on stderr while TensorFlow is at work; nothing where stderr is no terminal."""

import os
import shutil
import sys
from types import TracebackType

from attn_cli.cli.output import draw_error, is_terminal, write_error
from attn_cli.text import escaped

BAR = 24


def load_tensorflow() -> None:
    """Import TensorFlow, and say so first on a terminal: it takes seconds."""
    from attn_cli.tf.load import is_loaded, load_keras

    if not is_loaded() and on_terminal():
        write_error("loading TensorFlow…")
    load_keras()


def on_terminal() -> bool:
    """Tell whether somebody watches stderr."""
    return is_terminal(sys.stderr)


class Progress:
    """A bar that is drawn over itself, and gone at the end. It draws only when it is told to."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.drawn = on_terminal() and os.environ.get("TERM") != "dumb"

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.drawn:
            draw_error("\r\x1b[K")

    def show(self, done: int, what: str = "") -> None:
        """Show how much is done, and what is under way."""
        if self.drawn:
            filled = BAR * done // self.total
            bar = (
                f"{'█' * filled}{'·' * (BAR - filled)} {done:,} of {self.total:,}  {escaped(what)}"
            )
            room = shutil.get_terminal_size().columns - 1
            draw_error(f"\r\x1b[K{bar[:room]}")
