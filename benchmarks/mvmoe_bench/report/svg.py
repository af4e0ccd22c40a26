"""A plot as SVG for a page: colours become the page's variables, ids are unique and stable."""

import io
import re
from html import escape

from mvmoe_bench.report.plots.canvas import WIDTH, Canvas, Plot
from mvmoe_deploy.picture_look import LIGHT, Colours, blank_figure

PAGE_COLOURS: Colours = {name: f"#0102{number:02x}" for number, name in enumerate(LIGHT, start=16)}
"""Placeholders for the page's variables: colours that no plot would choose."""

_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}


def svg(plot: Plot, name: str, label: str) -> str:
    """A plot as an `svg` element.

    `name` makes its ids unique in a page; `label` is what a screen reader says.
    """
    height, text = plot.height(), io.StringIO()
    with blank_figure(WIDTH, height, "none") as figure:
        plot.draw(Canvas(figure, WIDTH, height, PAGE_COLOURS))
        figure.savefig(text, format="svg", metadata=_NOTHING)
    return _embed(text.getvalue(), name, label)


def _embed(text: str, name: str, label: str) -> str:
    """A document's `svg` element without what a page does not need."""
    body = text[text.index("<svg") :]
    box = re.search(r'viewBox="([^"]*)"', body)
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    inner = body[body.index(">") + 1 :]
    inner = _own_ids(inner, name)
    inner = re.sub(r"font: ((?:[a-z0-9]+ )*?)([\d.]+)px [^;\"]*", _font, inner)
    for colour, placeholder in PAGE_COLOURS.items():
        inner = inner.replace(placeholder, f"var(--{colour})")
    inner = re.sub(r">\s+<", "><", inner)
    head = (
        f'<svg viewBox="{box.group(1) if box else ""}" role="img" '
        f'aria-label="{escape(label, quote=True)}" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return head + inner.strip()


def _own_ids(text: str, name: str) -> str:
    """Drop ids that nothing refers to, and make the others unique in a page."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))

    def renamed(match: re.Match[str]) -> str:
        return f' id="{name}-{match.group(1)}"' if match.group(1) in used else ""

    text = re.sub(r' id="([^"]*)"', renamed, text)
    return re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)


def _font(match: re.Match[str]) -> str:
    """Size and weight of a font; the family is the page's."""
    heavy = "font-weight: 600; " if re.search(r"bold|[67]00", match.group(1)) else ""
    return f"{heavy}font-size: {match.group(2)}px"
