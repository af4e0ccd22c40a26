"""How all pictures of mvmoe look: colours by name, sizes of text, and a blank figure.

The report's plots, the class map of a training and the pictures of the documentation share it. One
unit of length is one CSS pixel: a figure has 72 dots an inch, and matplotlib's font sizes are
points, of which an inch has 72 as well.
"""

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mvmoe_deploy.matplotlib_import import prepare_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 72
TEXT = 12.5
SMALL = 11.6
TITLE = 17.0
FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
"""Of pages, and of drawings that a browser shows: what each system has, nothing is fetched."""

Colours = dict[str, str]
"""By name: `ink`, `muted`, `grid`, `surface`, and `c1` to `c24`."""

LIGHT: Colours = {
    "ink": "#1a2027", "muted": "#57606b", "grid": "#dfe3e8", "surface": "#ffffff",
    "c1": "#1f5fae", "c2": "#c4570b", "c3": "#0c8069", "c4": "#7a4aa8", "c5": "#a87a00",
    "c6": "#8a939e", "c7": "#dd5ca5", "c8": "#602102", "c9": "#3aad41", "c10": "#3b0f8d",
    "c11": "#847ffc", "c12": "#053f4e", "c13": "#ad215f", "c14": "#465400", "c15": "#259cde",
    "c16": "#82574b", "c17": "#600a53", "c18": "#a3628b", "c19": "#584365", "c20": "#c87974",
    "c21": "#6a75b5", "c22": "#668815", "c23": "#891f2f", "c24": "#731a8a",
}  # fmt: skip
"""The first five differ in lightness too, so that they are told apart without seeing colours."""

DARK: Colours = {
    "ink": "#e6eaef", "muted": "#a3adb9", "grid": "#303944", "surface": "#11161c",
    "c1": "#6aa9f7", "c2": "#f39a56", "c3": "#45c7a9", "c4": "#bf99ee", "c5": "#dcb64a",
    "c6": "#7f8b99", "c7": "#d28184", "c8": "#f6e12b", "c9": "#8dfc8e", "c10": "#846eea",
    "c11": "#1187ee", "c12": "#3d997b", "c13": "#da4b75", "c14": "#469e1b", "c15": "#1edff9",
    "c16": "#f7d8b3", "c17": "#feacc5", "c18": "#a7d797", "c19": "#b1b1b1", "c20": "#9aa257",
    "c21": "#b5e7fe", "c22": "#85c83f", "c23": "#c26e12", "c24": "#dd69c5",
}  # fmt: skip
"""The same names on a dark page."""

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


@contextlib.contextmanager
def blank_figure(
    width: float, height: float, background: str, extra: str = "bench"
) -> Iterator["Figure"]:
    """An empty figure of so many pixels, to be drawn and saved under the settings of all pictures.

    Raises MissingExtraError with the pip command of `extra` without matplotlib.
    """
    prepare_matplotlib("matplotlib, which draws pictures,", extra)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # Names may be of any script: a browser has the glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=background)
