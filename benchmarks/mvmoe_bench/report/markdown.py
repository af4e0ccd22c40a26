"""A report as GitHub Markdown: the same sentences and tables, without pictures."""

import re

from mvmoe_bench.report.blocks import (
    Block,
    Cell,
    Chart,
    Document,
    Piece,
    Section,
    TableBlock,
    Terms,
)
from mvmoe_bench.report.marking import IN_MARKDOWN

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$@!])")


def markdown(made: Document) -> str:
    """The whole document."""
    lines = [f"# {plain(made.title)}", "", IN_MARKDOWN, "", plain(made.subtitle), ""]
    if made.alerts:
        lines += ["## Before you believe a number", "", *_listed(made.alerts), ""]
    lines += ["## In short", ""]
    if made.recommendations:
        lines += [*map(_point, made.recommendations), ""]
    if made.tiles:
        lines += ["| key figure | value | |", "|---|---:|---|"]
        lines += [
            f"| {plain(tile.label)} | {plain(tile.value)} {plain(tile.unit)} | {plain(tile.note)} |"
            for tile in made.tiles
        ]
        lines.append("")
    for section in made.first:
        lines += _section(section)
    lines += ["## What was found", ""]
    if made.intro:
        lines += [plain(made.intro), ""]
    lines += [*map(_point, made.summary), ""]
    for section in made.sections:
        lines += _section(section)
    if made.foot:
        lines += [plain(made.foot), ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is, in one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    escaped = _SPECIAL.sub(r"\\\1", line.replace("&", "&amp;"))
    # A scheme makes a link by itself.
    return escaped.replace("://", ":\u200b//").replace("www.", "www\u200b.")


def _section(section: Section) -> list[str]:
    """A section with all its blocks."""
    lines = [f"## {plain(section.title)}", ""]
    if section.lead:
        lines += [plain(section.lead), ""]
    return lines + [line for block in section.blocks for line in _block(block)]


def _point(point: tuple[str, str]) -> str:
    """One item of the summary."""
    topic, sentences = point
    stop = "" if topic.endswith("?") else "."
    return f"- **{plain(topic)}{stop}** {plain(sentences)}" if topic else f"- {plain(sentences)}"


def _listed(items: tuple[str, ...]) -> list[str]:
    """A list."""
    return [f"- {plain(item)}" for item in items]


def _block(block: Block) -> list[str]:
    """One block; a plot has its numbers in the tables."""
    if isinstance(block, Chart):
        return []
    if isinstance(block, TableBlock):
        return _table(block)
    if isinstance(block, Terms):
        return [*(f"- **{plain(word)}**: {plain(meaning)}" for word, meaning in block.pairs), ""]
    if block.listed:
        return [*_listed(block.paragraphs), ""]
    return [part for paragraph in block.paragraphs for part in (plain(paragraph), "")]


def _cell(cell: Cell) -> str:
    """A cell, its links as links."""
    pieces = cell.pieces or (Piece(cell.text),)
    return "".join(
        f"[{plain(piece.text)}]({piece.url})" if piece.url else _spaced(piece.text)
        for piece in pieces
    )


def _spaced(text: str) -> str:
    """Plain text that keeps the space at its ends, which a link may follow."""
    return f"{' ' * text[:1].isspace()}{plain(text)}{' ' * text[-1:].isspace()}"


def _table(table: TableBlock) -> list[str]:
    """A table; a folded one can be opened on GitHub."""
    head = "| " + " | ".join(plain(column.title) for column in table.columns) + " |"
    rule = "|" + "|".join("---:" if column.number else "---" for column in table.columns) + "|"
    body = ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
    caption = plain(table.caption)
    if table.folded:
        opened = [f"<details><summary>{caption}</summary>", ""]
        return [*opened, head, rule, *body, "", "</details>", ""]
    return [f"**{caption}**", "", head, rule, *body, ""]
