"""What `mvmoe bench` prints for a person when it is done: the report's tables, in brief."""

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from mvmoe_bench.report.blocks import TableBlock
from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import Summary


def show_summary(out: Console, summary: Summary) -> None:
    """Warnings, sentences, then tables; names of files and subjects are printed as they are."""
    for failure in summary.failures:
        who = f"{failure.subject}: " if failure.subject else ""
        out.print(Text(f"failed: {who}{_line(failure.message)}", style="red"))
    for warning in summary.warnings:
        out.print(Text(f"warning: {_line(warning)}", style="yellow"))
    made = document(summary)
    for question, answer in made.recommendations:
        out.print(Text(_line(f"{question} {answer}")))
    if made.recommendations:
        out.print()
    for _, sentences in made.summary:
        out.print(Text(_line(sentences)))
    for section in (*made.first, *made.sections):
        for block in section.blocks:
            if isinstance(block, TableBlock) and any(column.brief for column in block.columns):
                out.print()
                out.print(_table(block))


def _table(table: TableBlock) -> RichTable:
    """The brief columns of a table; text that came from files is not read as markup."""
    shown = [number for number, column in enumerate(table.columns) if column.brief]
    made = RichTable(
        title=Text(_line(table.caption)), title_justify="left", header_style="bold", box=None,
        pad_edge=False,
    )  # fmt: skip
    for number in shown:
        column = table.columns[number]
        made.add_column(Text(column.title), justify="right" if column.number else "left")
    for row in table.rows:
        made.add_row(*(Text(_line(row[number].text)) for number in shown))
    return made


def _line(text: str) -> str:
    """Text without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
