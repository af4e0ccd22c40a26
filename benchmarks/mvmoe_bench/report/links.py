"""Addresses in text as links; text comes from files, so only plain web addresses become any."""

import re

from mvmoe_bench.report.blocks import Cell, Piece

_URL = r"https?://[A-Za-z0-9][-\w.:/?#=&%+,~@]*"
_SOURCE = re.compile(
    rf"(?P<name>[^;()]+?)\s+\((?P<url>{_URL})\)|(?<!\S)(?P<alone>{_URL})(?=;|\s|$)", re.ASCII
)
"""`name (address)`, or an address alone: no character that means something in HTML or Markdown."""


def sourced(text: str) -> Cell:
    """A cell of sources: `name (https://...)` shows the name, an address alone what follows `//`.

    Whatever else there is stays text.
    """
    pieces: list[Piece] = []
    end = 0
    for found in _SOURCE.finditer(text):
        before = text[end : found.start()]
        name, url = found["name"], found["url"] or found["alone"]
        lead = name[: len(name) - len(name.lstrip())] if name else ""
        if before + lead:
            pieces.append(Piece(before + lead))
        pieces.append(Piece(name.strip() if name else url.split("://", 1)[1], url))
        end = found.end()
    if not pieces:
        return Cell(text or "-")
    if text[end:]:
        pieces.append(Piece(text[end:]))
    return Cell("".join(piece.text for piece in pieces), pieces=tuple(pieces))
