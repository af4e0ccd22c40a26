"""The first picture of the documentation: stem, router, one expert.

    python -m own_standing.route_diagram docs/route.svg

It is drawn from a template, in the colours and fonts of the report, light or dark as the reader's
system is; the fonts are the system's own, so that nothing is fetched.
"""

from pathlib import Path

import click

from mvmoe_deploy.picture_look import DARK, FONTS, LIGHT, Colours
from mvmoe_deploy.system import files, output_places

_TITLE = (
    "An image goes through the stem; the router picks one of four experts; only that one runs, "
    "and gives the answer"
)
_MARK = f'<title id="title">{_TITLE}</title>'
_WIDTH, _HEIGHT = 800, 280
_CHOSEN = 2
_SEVEN = (
    "..####..",
    "..####..",
    ".....#..",
    "....##..",
    "....#...",
    "...##...",
    "...#....",
    "...#....",
)
"""The image, as coarse as the digits that the demo trains on."""

foreign_to_diagram = output_places.foreign_without([_MARK.encode()], "diagram")
"""Why a file is no such picture that may be replaced; None if it is one."""


def drawing() -> str:
    """The SVG document; the same, byte for byte, each time."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=False,  # All that goes in stands here.
        trim_blocks=True,
    )
    return environment.get_template("route_diagram.svg.j2").render(
        width=_WIDTH,
        height=_HEIGHT,
        title=_TITLE,
        style=_style(),
        fonts=FONTS,
        pixels=[(x, y) for y, row in enumerate(_SEVEN) for x, dot in enumerate(row) if dot == "#"],
        shares=(0.25, 0.45, 1.0, 0.15),
        chosen=_CHOSEN,
        rows=(14, 72, 130, 188),
        answer=7,
    )


def _style() -> str:
    """The colours by name, of both schemes."""
    light, dark = (f"svg {{ {_declared(colours)} }}" for colours in (LIGHT, DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}"


def _declared(colours: Colours) -> str:
    """Those that are drawn with."""
    used = ("ink", "muted", "grid", "surface", "c1", "c2", "c3", "c6")
    return " ".join(f"--{name}: {colours[name]};" for name in used)


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
def command(output: Path) -> None:
    """Write the diagram to OUTPUT, over one that this has written."""
    text = drawing()
    files.write_file(
        output, lambda partial: partial.write_text(text, encoding="utf-8"), foreign_to_diagram
    )


if __name__ == "__main__":
    command()
