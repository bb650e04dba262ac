"""What names a model on the command line: a saved file, or `app:NAME`."""

import os

from attn_cli.sources.applications import PREFIX, application_names
from attn_cli.spec import names_block


def names_model(text: str) -> bool:
    """Tell whether a word names a model, where it may name a block too.

    It is a block by the name of one; else a model if it is there, or looks like a path.
    """
    if text.startswith(PREFIX):
        return True
    looks = any(sign in text.partition(":")[0] for sign in "./\\")
    return not names_block(text) and (looks or os.path.lexists(text))


def complete_model(incomplete: str) -> list[str]:
    """Complete the name of an application; files are the shell's own business."""
    if not incomplete.startswith(PREFIX):
        return []
    return [name for each in application_names() if (name := PREFIX + each).startswith(incomplete)]
