"""What can go wrong, in the user's words. Only `cli/` turns these into an exit code."""

from collections.abc import Iterable


class AttnError(Exception):
    """Something that the user can put right; its text is the one line to show them."""


class BadOption(AttnError, ValueError):
    """An option of a block is unknown, of the wrong type, or out of range."""


class BadShape(AttnError, ValueError):
    """A shape is malformed, or a block cannot take it."""


class BadSpec(AttnError, ValueError):
    """A block, or the text that names one, cannot be understood."""


class BadArgument(AttnError, TypeError):
    """A function is given something of another kind than it takes."""


class BadGraph(AttnError, ValueError):
    """Layers are connected in a way that no model can be."""


class BadFile(AttnError, ValueError):
    """A file cannot be read, written or understood."""


class NotModelled(AttnError, AttributeError):
    """A block uses a part of Keras that the symbolic stand-in does not model."""


class MissingPackage(AttnError, ImportError):
    """A package that this needs is not installed."""


# A hint is worth no wait: among 30,000 names difflib looks for a second, among long ones longer.
# No file's account is charged with it: that would refuse an answer that can do without the hint.
MOST_LETTERS = 64
MOST_NAMES = 500


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `"; did you mean X, or Y?"` for the nearest of the known words, or an empty string.

    Of many, those with the most of its letters are asked; nobody means to type what is very long.
    """
    from difflib import get_close_matches

    # The dashes that all options begin with make none of them like another.
    word = word.lower().lstrip("-")[:MOST_LETTERS]
    bare = {name.lstrip("-"): name for name in known if len(name) <= MOST_LETTERS}
    asked = sorted(bare, key=lambda name: (len({*name} ^ {*word}), name))[:MOST_NAMES]
    near = get_close_matches(word, asked, n=2, cutoff=0.6)
    return f"; did you mean {', or '.join(bare[each] for each in near)}?" if near else ""
