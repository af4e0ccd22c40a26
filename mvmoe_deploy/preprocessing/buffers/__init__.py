"""Pixels as cameras hand them over: planes with strides, an orientation, and what colours mean.

`docs/bundle.md`, *Buffers*, defines every conversion to the last bit. To add a format, declare it
in a file here and put it into `FORMATS` (`pixel_buffer.py`).
"""

from mvmoe_deploy.preprocessing.buffers.pixel_buffer import FORMATS, PixelBuffer
from mvmoe_deploy.preprocessing.buffers.plane import Plane

__all__ = ["FORMATS", "PixelBuffer", "Plane"]
