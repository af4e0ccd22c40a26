"""Text that others wrote, as it may be shown: terminals obey some characters, and lines end.

Names in a manifest, keys of a checkpoint, tensors of a graph, file names and what an engine says of
a file all end up in messages. What a terminal would obey is written as an escape (`\\x1b`) here.
"""

import codecs
import difflib
import re
from collections.abc import Iterable, Sequence

LONGEST = 4000
"""Characters of the longest message: a name may be as long as the file that it came from."""

_LONGEST_NAME = 80
_NEAR = 0.6
"""How much alike names are that may be meant: 1 is the same."""
_MOST_CHOICES = 30
"""Names that a message lists."""

# C0 and C1 controls, surrogates (no text: they come from damaged names and cannot be encoded),
# separators of lines, and what turns the direction of the text around it.
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_BREAK = re.compile(r"\s*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\s*")


def escaped(text: str) -> str:
    """`text` with an escape for every character that a terminal may obey, line breaks too."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: object, most: int = LONGEST) -> str:
    """A message in one line of at most `most` characters: breaks become spaces, the rest escapes.

    `text` may be an exception; one without text is called by its class.
    """
    said = str(text).strip()[: 4 * most] or type(text).__name__
    return shortened(escaped(_BREAK.sub(" ", said)), most)


def name(text: str, most: int = _LONGEST_NAME) -> str:
    """A name as it stands in a sentence: escaped, and not too long."""
    return shortened(escaped(text[: 4 * most]), most)


def quoted(value: object, most: int = _LONGEST_NAME) -> str:
    """A value as Python writes it, escaped, and not too long."""
    return shortened(escaped(repr(value)), most)


def shortened(text: str, most: int) -> str:
    """The beginning of a text that is too long."""
    return text if len(text) <= most else f"{text[:most]}..."


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number of things: `1 image`, `2 images`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def nearest(given: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Those of the known names that somebody may have meant, the nearest first."""
    names = list(known)
    near = difflib.get_close_matches(given, names, n=most, cutoff=_NEAR)
    # What somebody began to write is nearer to him than to a measure of letters.
    return near or [name for name in names if given and name.startswith(given)][:most]


def choices_text(given: object, known: Sequence[str], words: str = "known are") -> str:
    """What there is in place of an unknown name: all names, or of many the nearest."""
    near = nearest(str(given), known)
    if len(known) > _MOST_CHOICES:
        told = f"the nearest of {len(known)} are" if near else f"of {len(known)} there are"
        shown = ", ".join(near or [*known[:_MOST_CHOICES], "..."])
        return f"{told} {shown}"
    hint = f" (the nearest is {near[0]})" if near else ""
    return f"{words} {', '.join(known) or 'none'}{hint}"


def json_text(data: bytes) -> bytes:
    """A JSON file that a person or another system wrote, without the byte order mark of UTF-8.

    Raises ValueError for UTF-16, which some shells write, in words that can stand in a message.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16 text; save it as UTF-8")
    return data.removeprefix(codecs.BOM_UTF8)
