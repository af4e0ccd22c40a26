"""Sentences about programs that nobody has vetted: their names end up in terminals."""

_LONGEST = 500


def sentence(text: object) -> str:
    """The first line of a text, without control characters, and not too long."""
    lines = str(text).splitlines() or [type(text).__name__]
    line = "".join(letter if letter.isprintable() else "?" for letter in lines[0])
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def name(text: str) -> str:
    """A name out of a program, as it may be printed."""
    return sentence(text.replace("\n", "?").replace("\r", "?"))[:100]
