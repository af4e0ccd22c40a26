"""Names and sentences out of programs that are not trusted, as messages show them."""

from mvmoe_deploy import text

_LONGEST = 500


def one_line(said: object) -> str:
    """The first line of a text, escaped, and not too long."""
    lines = str(said).splitlines() or [type(said).__name__]
    return text.one_line(lines[0], _LONGEST)


def printable_name(said: str) -> str:
    """A name out of a program, as it may be printed."""
    return text.name(said, 100)
