"""Words that are not ours, made safe to show: of files, of the command line, of other code.

Which signs nobody should be shown stands here once. How one is spelt out is the reader's: people
read Python's escapes, a file in a language of its own has the escapes of that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_LENGTH = 200
MAX_QUOTED = 60
FEW = 6  # of what stands in one line
# What Python calls printable, and nobody sees: fillers, joiners, variation selectors.
INVISIBLE = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
# How a line begins that a runner of CI obeys, ::error and the like, and what it obeys anywhere in
# one: ##[error], ##vso[…], ##teamcity[…].
COMMAND = r"(?<!\S):(?=:)|#(?=#\w*\[)"
UNSAFE = f"[{INVISIBLE}]|{COMMAND}"


def in_python(sign: str) -> str:
    """Return a character as Python's texts spell it out."""
    spelt = sign.encode("unicode_escape").decode()
    return f"\\x{ord(sign):02x}" if spelt == sign else spelt


def escaped(text: str, spelt: Callable[[str], str] = in_python) -> str:
    r"""Return words that are not ours as they can be shown anywhere, on one line.

    Terminal escapes, line ends, bidirectional controls and other invisible characters become
    backslash escapes, and so does the sign that would make a command of a line in CI.

    >>> print(escaped("conv\x1b[2J\n"), escaped("::error::"))
    conv\x1b[2J\n \x3a:error::
    """
    if text.isprintable():
        if text.isascii() and "::" not in text and "##" not in text:
            return text
    else:
        text = "".join([sign if sign.isprintable() else spelt(sign) for sign in text])
    return re.sub(UNSAFE, lambda found: spelt(found[0]), text)


def escaped_lines(text: str) -> str:
    """Return a text of several lines with what stands in each of them escaped; tabs stay."""
    return LINE.sub(lambda line: escaped(line[0]), text)


LINE = re.compile(r"[^\n\t]+")


def shown(text: str, most: int = MAX_LENGTH) -> str:
    r"""Return a name as it can be shown, `escaped`; what is longer than `most` characters is cut.

    >>> print(shown("conv\x1b[2J\n"))
    conv\x1b[2J\n
    """
    return escaped(text if len(text) <= most else f"{text[: most - 1]}…")


def quote(name: str, most: int = MAX_QUOTED) -> str:
    r"""Return a name in quotes, as it can be shown; short, for it stands in a sentence.

    >>> print(quote("conv\x1b[2J"))
    'conv\x1b[2J'
    """
    return f"'{shown(name, most)}'"


def few(texts: Sequence[str], most: int = FEW, between: str = ", ") -> str:
    """Return texts in one; of many the first, and how many more there are.

    >>> few(["a", "b", "c"], 3), few(["a", "b", "c"], 2, " and ")
    ('a, b, c', 'a and b and 1 more')
    """
    more = len(texts) - most
    first = between.join(texts[:most])
    return f"{first} and {more:,} more" if more > 0 else first
