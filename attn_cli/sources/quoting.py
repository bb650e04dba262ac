"""Showing a name that somebody else chose."""

_LONGEST = 60


def quote(name: str) -> str:
    """The name in quotes, short, its control characters, escapes and other scripts spelt out."""
    return ascii(name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "...")
