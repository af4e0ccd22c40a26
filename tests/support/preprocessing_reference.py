"""The readers' contract fulfilled by mvmoe_deploy: what Python's own users run."""

from typing import Any

import msgspec
import numpy as np
from preprocessing_suite import plane_bytes

from mvmoe_deploy.errors import ImageError
from mvmoe_deploy.preprocessing import (
    InputTransform,
    PixelBuffer,
    Plane,
    Preprocessing,
    normalize,
    prepare,
    transform_of,
)


class ReferenceReader:
    """mvmoe_deploy, through what `Dispatcher.predict` calls."""

    def levels(self, buffer: dict[str, Any], spec: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
        given = _spec(spec)
        prepared = prepare(_buffer(buffer), given)
        table = self.normalized(spec)
        # Level by level, from what was normalized: the tables of the channels rise.
        levels = np.stack(
            [
                np.searchsorted(row, values).astype(np.uint8)
                for row, values in zip(table, prepared.values, strict=True)
            ]
        )
        found = np.stack([row[of_channel] for row, of_channel in zip(table, levels, strict=True)])
        np.testing.assert_array_equal(found, prepared.values)
        return levels, _numbers(prepared.transform)

    def geometry(self, image: list[int], spec: dict[str, Any]) -> list[int]:
        return _numbers(transform_of((image[0], image[1]), _spec(spec)))

    def normalized(self, spec: dict[str, Any]) -> np.ndarray:
        given = msgspec.structs.replace(_spec({**spec, **_ANY_SIZE}), height=1, width=256)
        row = np.arange(256, dtype=np.uint8)[None, :, None]
        return normalize(np.repeat(row, given.channels, axis=2), given)[:, 0]

    def places(self, transform: list[int], boxes: np.ndarray, clip: bool) -> np.ndarray:
        w, h, wide, tall, left, top = transform
        found = InputTransform((w, h), (wide, tall), left, top, (1, 1))
        return found.boxes_to_image(boxes, clip=clip)

    def refusal(self, buffer: dict[str, Any]) -> str | None:
        try:
            _buffer(buffer)
        except ImageError as error:
            return error.code
        return None


_ANY_SIZE = {
    "resize": "squash",
    "crop_fraction": 1.0,
    "resize_size": None,
    "pad_level": None,
    "pad_place": None,
    "pad_rounding": None,
}


def _spec(spec: dict[str, Any]) -> Preprocessing:
    return msgspec.convert(spec, Preprocessing)


def _buffer(buffer: dict[str, Any]) -> PixelBuffer:
    planes = [
        Plane(plane_bytes(plane), plane["row_stride"], plane["pixel_stride"])
        for plane in buffer["planes"]
    ]
    return PixelBuffer(**{**buffer, "planes": planes})


def _numbers(transform: InputTransform) -> list[int]:
    return [*transform.image, *transform.resized, transform.left, transform.top]
