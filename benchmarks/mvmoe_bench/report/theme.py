"""The page's colours as CSS variables: light, dark by the system's setting or the button, print."""

from mvmoe_deploy.picture_look import DARK, FONTS, LIGHT, Colours

_PAGE_LIGHT: Colours = {
    "raised": "#f6f8fa", "good": "#0b6b57", "bad": "#a63a00", "alert": "#fff4e5",
    "alert-edge": "#d98a1f", "shade": "rgba(26, 32, 39, 0.22)",
}  # fmt: skip
"""What pages have and plots do not; `shade` lies on the edge of a table that goes on."""
_PAGE_DARK: Colours = {
    "raised": "#1a212a", "good": "#5fd6ba", "bad": "#ff9a6b", "alert": "#2b2216",
    "alert-edge": "#b5771f", "shade": "rgba(230, 234, 239, 0.3)",
}  # fmt: skip
_PRINT: Colours = {
    "surface": "#ffffff", "raised": "#ffffff", "ink": "#000000", "muted": "#3d444d",
    "grid": "#c8cdd3", "alert": "#ffffff",
}  # fmt: skip
_SYSTEM = ':root:not([data-theme="light"])'
_BUTTON = ':root[data-theme="dark"]'


def variables() -> str:
    """The rules that set them; `page.css` uses them."""
    light = {**LIGHT, **_PAGE_LIGHT}
    dark = _rule({**DARK, **_PAGE_DARK}, "dark")
    return "\n".join(
        (
            f":root {{ --fonts: {FONTS}; {_declared(light, 'light')} }}",
            f"@media (prefers-color-scheme: dark) {{ {_SYSTEM} {dark} }}",
            f"{_BUTTON} {dark}",
            f"@media print {{ :root, {_BUTTON}, {_SYSTEM} {_rule({**light, **_PRINT}, 'light')} }}",
        )
    )


def _rule(colours: Colours, scheme: str) -> str:
    """The braces of a rule."""
    return f"{{ {_declared(colours, scheme)} }}"


def _declared(colours: Colours, scheme: str) -> str:
    """What stands between them."""
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items()) + (
        f" color-scheme: {scheme};"
    )
