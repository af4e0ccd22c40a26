"""A plot as SVG for a page: colours become the page's variables, ids are unique and stable."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from mvmoe_bench.report.plots.canvas import DPI, LIGHT, WIDTH, Canvas, Colours, Plot
from mvmoe_deploy.matplotlib_import import prepare_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE_COLOURS: Colours = {name: f"#0102{number:02x}" for number, name in enumerate(LIGHT, start=16)}
"""Placeholders for the page's variables: colours that no plot would choose."""

SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "mvmoe",
    "text.parse_math": False,  # Names come from anywhere: a dollar sign is a dollar sign.
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "path.simplify": True,
    "path.simplify_threshold": 0.5,
    "figure.dpi": DPI,
}
"""Matplotlib's parameters; their keys are a type of its own that is not importable."""
_NOTHING = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextlib.contextmanager
def blank_figure(width: float, height: float, background: str) -> Iterator["Figure"]:
    """An empty figure of so many pixels, to be drawn and saved under the settings of reports."""
    prepare_matplotlib("matplotlib, which draws reports,", "bench")
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # Names may be of any script: a browser has the glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=background)


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
