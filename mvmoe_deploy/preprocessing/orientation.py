"""The eight orientations of EXIF (2.3, table 6): how stored rows and columns are turned upright."""

from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation; Pillow's rotations are counter-clockwise."""

ORIENTATIONS = tuple(range(1, 9))
"""All there are; 1 is upright."""


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned upright; itself for 1, and for what is no orientation."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
