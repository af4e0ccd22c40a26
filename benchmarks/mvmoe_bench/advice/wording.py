"""Amounts and lists as sentences have them."""

from collections.abc import Mapping

_MOST = 4
"""Operator types that a sentence names; more are counted."""


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


def duration(milliseconds: float) -> str:
    """A time for people, with as many digits as an estimate has."""
    if milliseconds < 0.01:
        return "less than 0.01 ms"
    return f"{milliseconds:.2g} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"


def work(flop: int) -> str:
    """An amount of arithmetic for people."""
    return f"{flop / 1e6:.2g} MFLOP" if flop < 1e7 else f"{flop / 1e6:.0f} MFLOP"


def counted(types: Mapping[str, int]) -> str:
    """Operator types with their numbers, the most frequent first."""
    ordered = sorted(types.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} ({count})" for name, count in ordered[:_MOST])
    more = len(ordered) - _MOST
    return f"{named} and {more} more" if more > 0 else named


def plural(count: int, noun: str) -> str:
    """`1 operator`, `2 operators`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
