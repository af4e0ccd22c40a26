"""Colours of classes in pictures: far apart for classes with near numbers, the same every time."""

import colorsys

_GOLDEN_ANGLE = 0.381966
"""A part of the circle of hues; its multiples never come near to each other soon."""


def colour_of(index: int) -> tuple[int, int, int]:
    """The colour (red, green, blue; 0 to 255) of a class."""
    brightness = (1.0, 0.75)[index // 8 % 2]
    parts = colorsys.hsv_to_rgb(index * _GOLDEN_ANGLE % 1.0, 0.85, brightness)
    red, green, blue = (round(255 * part) for part in parts)
    return red, green, blue
