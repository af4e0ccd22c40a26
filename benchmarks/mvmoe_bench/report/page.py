"""A report as one HTML page that needs nothing else: no network, no other file."""

from functools import cache
from typing import TYPE_CHECKING

from mvmoe_bench.report.blocks import Block, Chart, Document, TableBlock, Terms, Text
from mvmoe_bench.report.marking import IN_HTML
from mvmoe_bench.report.svg import svg
from mvmoe_bench.report.theme import variables

if TYPE_CHECKING:
    from jinja2 import Environment


def page(made: Document) -> str:
    """The page; text that came from files is escaped wherever it goes."""
    from markupsafe import Markup

    def drawn(chart: Chart, name: str) -> Markup:
        # Made by matplotlib, which escapes the text of its labels.
        return Markup(svg(chart.plot, name, chart.label))

    template = _environment().get_template("page.html.j2")
    return template.render(made=made, mark=Markup(IN_HTML), svg=drawn, kind=_kind,
                           style=_style(), script=_file("page.js"))  # fmt: skip


@cache
def _environment() -> "Environment":
    """Templates of this package, with escaping on for everything."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("mvmoe_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _style() -> str:
    """All of the page's rules."""
    from markupsafe import Markup

    return Markup(variables()) + "\n" + _file("page.css")


def _file(name: str) -> str:
    """A file of this package that goes into the page as it is."""
    from markupsafe import Markup

    loader = _environment().loader
    assert loader is not None
    source, _, _ = loader.get_source(_environment(), name)
    return Markup(source)


def _kind(block: Block) -> str:
    """Which macro shows a block."""
    kinds = {TableBlock: "table", Chart: "chart", Text: "text", Terms: "terms"}
    return kinds[type(block)]
