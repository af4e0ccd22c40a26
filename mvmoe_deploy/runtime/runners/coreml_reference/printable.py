"""Sanitise names and texts from untrusted programs before they are printed."""

from mvmoe_deploy import text

_LONGEST = 500


def one_line(text_: object) -> str:
    """The first line of a text, escaped, and not too long."""
    lines = str(text_).splitlines() or [type(text_).__name__]
    return text.one_line(lines[0], _LONGEST)


def printable_name(name: str) -> str:
    """A name out of a program, as it may be printed."""
    return text.name(name, 100)
