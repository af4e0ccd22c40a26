"""From an image to the array a model expects: one implementation, used in training and at run time.

Only NumPy and Pillow. What is done is written in `Preprocessing`, which travels in checkpoints and
manifests, so that another language can do the same (see `docs/bundle.md`).
"""

from mvmoe_deploy.preprocessing.buffers import PixelBuffer, Plane
from mvmoe_deploy.preprocessing.decoding import (
    ImageLike,
    decode_image,
    open_image,
    read_header,
    read_image_file,
)
from mvmoe_deploy.preprocessing.input_transform import InputTransform
from mvmoe_deploy.preprocessing.spec import Origin, Preprocessing, TrainedField
from mvmoe_deploy.preprocessing.transform import (
    PreparedInput,
    normalize,
    prepare,
    preprocess,
    require_resizable,
    resize,
    transform_of,
    window_of,
)

__all__ = [
    "ImageLike",
    "InputTransform",
    "Origin",
    "PixelBuffer",
    "Plane",
    "PreparedInput",
    "Preprocessing",
    "TrainedField",
    "decode_image",
    "normalize",
    "open_image",
    "prepare",
    "preprocess",
    "read_header",
    "read_image_file",
    "require_resizable",
    "resize",
    "transform_of",
    "window_of",
]
