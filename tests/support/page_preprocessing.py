"""A reader of images written from *Preprocessing* in docs/bundle.md alone, in NumPy.

It shares nothing with mvmoe_deploy, so that the conformance cases are not that code's own output.
Each step is a method: a wrong reader is a class that has another one.
"""

import math
from typing import Any

import numpy as np
from page_resizing import one_pass
from preprocessing_suite import plane_bytes

SAMPLES = {"L": [1], "RGB": [3], "RGBA": [4], "BGRA": [4], "NV12": [1, 2], "NV21": [1, 2],
           "YUV420": [1, 1, 1]}  # fmt: skip
CHROMA = ("NV12", "NV21", "YUV420")
FACTORS = {
    ("bt601", "full"): (0, 65536, 91881, 22553, 46802, 116130),
    ("bt601", "video"): (16, 76309, 104597, 25675, 53279, 132201),
    ("bt709", "full"): (0, 65536, 103206, 12276, 30679, 121609),
    ("bt709", "video"): (16, 76309, 117489, 13975, 34925, 138438),
}


class PageReader:
    """The page, step by step."""

    # The steps of an image

    def levels(self, buffer: dict[str, Any], spec: dict[str, Any]) -> tuple[np.ndarray, list[int]]:
        upright = self.upright(self.decoded(buffer), buffer.get("orientation", 1))
        channels = self.converted(upright, spec)
        transform = self.geometry([upright.shape[1], upright.shape[0]], spec)
        pixels = self.resized(channels, transform, spec)
        return self.ordered(pixels, spec).transpose(2, 0, 1), transform

    def decoded(self, buffer: dict[str, Any]) -> np.ndarray:
        """Red, green and blue, or grey, `[h, w, C]`."""
        planes = [self.plane(buffer, number) for number in range(len(buffer["planes"]))]
        kind = buffer["format"]
        if kind in CHROMA:
            return self.colours(buffer, planes[0][:, :, 0], *self.chroma(kind, planes))
        return self.without_alpha(kind, planes[0])

    def plane(self, buffer: dict[str, Any], number: int) -> np.ndarray:
        plane, count = buffer["planes"][number], SAMPLES[buffer["format"]][number]
        width, height = self.plane_size(buffer, number)
        rows = np.arange(height)[:, None, None] * self.row_stride(plane, width, count)
        columns = np.arange(width)[None, :, None] * self.pixel_stride(plane, count)
        return plane_bytes(plane)[rows + columns + np.arange(count)]

    def plane_size(self, buffer: dict[str, Any], number: int) -> tuple[int, int]:
        part = 2 if buffer["format"] in CHROMA and number > 0 else 1
        return buffer["width"] // part, buffer["height"] // part

    def row_stride(self, plane: dict[str, Any], width: int, count: int) -> int:
        return plane["row_stride"]

    def pixel_stride(self, plane: dict[str, Any], count: int) -> int:
        return plane["pixel_stride"]

    def without_alpha(self, kind: str, pixels: np.ndarray) -> np.ndarray:
        if kind == "BGRA":
            return pixels[:, :, [2, 1, 0]]
        return pixels[:, :, :3]

    def chroma(self, kind: str, planes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        if kind == "NV12":
            return planes[1][:, :, 0], planes[1][:, :, 1]
        if kind == "NV21":
            return planes[1][:, :, 1], planes[1][:, :, 0]
        return planes[1][:, :, 0], planes[2][:, :, 0]

    def factors(self, buffer: dict[str, Any]) -> tuple[int, ...]:
        return FACTORS[buffer["matrix"], buffer["value_range"]]

    def spread(self, chroma: np.ndarray) -> np.ndarray:
        """The chroma of every pixel."""
        return np.kron(chroma, np.ones((2, 2), chroma.dtype))

    def colours(self, buffer, luma, u, v) -> np.ndarray:
        black, a, b, c, d, e = self.factors(buffer)
        level = a * (luma.astype(np.int32) - black) + 32768
        u, v = (self.spread(each).astype(np.int32) - 128 for each in (u, v))
        channels = (level + b * v, level - c * u - d * v, level + e * u)
        return np.stack([np.clip(each >> 16, 0, 255).astype(np.uint8) for each in channels], axis=2)

    def upright(self, stored: np.ndarray, orientation: int) -> np.ndarray:
        h, w = stored.shape[:2]
        y, x = np.indices((h, w) if orientation < 5 else (w, h))
        place = {
            1: (y, x),
            2: (y, w - 1 - x),
            3: (h - 1 - y, w - 1 - x),
            4: (h - 1 - y, x),
            5: (x, y),
            6: (h - 1 - x, y),
            7: (h - 1 - x, w - 1 - y),
            8: (x, w - 1 - y),
        }[orientation]
        return stored[place]

    def converted(self, pixels: np.ndarray, spec: dict[str, Any]) -> np.ndarray:
        if spec["channel_order"] != "L":
            return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        if pixels.shape[2] == 1:
            return pixels
        red, green, blue = (pixels[:, :, c].astype(np.int64) for c in range(3))
        grey = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
        return grey.astype(np.uint8)[:, :, None]

    def resized(self, pixels: np.ndarray, transform: list[int], spec: dict[str, Any]) -> np.ndarray:
        """The input `[H, W, C]`: the window of the resized image, and what is beside it."""
        _, _, wide, tall, left, top = transform
        out = np.empty((spec["height"], spec["width"], pixels.shape[2]), np.uint8)
        out[:] = self.fill(spec)
        columns = [x for x in range(left, left + spec["width"]) if 0 <= x < wide]
        rows = [y for y in range(top, top + spec["height"]) if 0 <= y < tall]
        part = self.passes(pixels, (wide, tall), (columns, rows), spec["interpolation"])
        y, x = rows[0] - top, columns[0] - left
        out[y : y + len(rows), x : x + len(columns)] = part
        return out

    def passes(self, pixels, whole, wanted, interpolation) -> np.ndarray:
        """The wanted columns and rows: along the rows first."""
        pixels = self.one_pass(pixels.swapaxes(0, 1), whole[0], wanted[0], interpolation)
        return self.one_pass(pixels.swapaxes(0, 1), whole[1], wanted[1], interpolation)

    def one_pass(self, rows, count, wanted, interpolation) -> np.ndarray:
        return one_pass(rows, count, (0, len(rows)), interpolation, wanted)

    def ordered(self, pixels: np.ndarray, spec: dict[str, Any]) -> np.ndarray:
        return pixels[:, :, ::-1] if spec["channel_order"] == "BGR" else pixels

    def fill(self, spec: dict[str, Any]) -> list[int]:
        if spec["resize"] == "letterbox":
            return [spec["pad_level"]]
        levels = [min(max(round(255 * mean), 0), 255) for mean in spec["mean"]]
        return levels[::-1] if spec["channel_order"] == "BGR" else levels

    # Where the input lies

    def geometry(self, image: list[int], spec: dict[str, Any]) -> list[int]:
        whole = getattr(self, spec["resize"])(*image, spec)
        left, top = (
            self.begin(resized, side, spec)
            for resized, side in zip(whole, (spec["width"], spec["height"]), strict=True)
        )
        return [*image, *whole, left, top]

    def begin(self, resized: int, side: int, spec: dict[str, Any]) -> int:
        """Where the input begins in the resized image, along one axis."""
        if resized >= side:
            return self.centre(resized - side)
        if spec["resize"] == "letterbox" and spec["pad_place"] == "right-bottom":
            return 0
        return -((side - resized) // 2)

    def centre(self, difference: int) -> int:
        return round(difference / 2)

    def scaled(self, spec: dict[str, Any]) -> tuple[int, int]:
        crop = spec["crop_fraction"]
        return math.floor(spec["width"] / crop), math.floor(spec["height"] / crop)

    def shorter(self, side: int, w: int, h: int) -> tuple[int, int]:
        return (side, side * h // w) if w <= h else (side * w // h, side)

    def timm(self, w: int, h: int, spec: dict[str, Any]) -> tuple[int, int]:
        scaled = self.scaled(spec)
        if spec["width"] == spec["height"]:
            return self.shorter(scaled[0], w, h)
        ratio = min(w / scaled[0], h / scaled[1])
        return round(w / ratio), round(h / ratio)

    def torchvision(self, w: int, h: int, spec: dict[str, Any]) -> tuple[int, int]:
        return self.shorter(spec["resize_size"], w, h)

    def squash(self, w: int, h: int, spec: dict[str, Any]) -> tuple[int, int]:
        return self.scaled(spec)

    def border(self, w: int, h: int, spec: dict[str, Any]) -> tuple[int, int]:
        scaled = self.scaled(spec)
        ratio = max(w / scaled[0], h / scaled[1])
        return max(1, round(w / ratio)), max(1, round(h / ratio))

    def letterbox(self, w: int, h: int, spec: dict[str, Any]) -> tuple[int, int]:
        width, height = spec["width"], spec["height"]
        down = spec["pad_rounding"] == "down"
        if width * h <= height * w:
            return width, max(1, self.quotient(h * width, w, down))
        return max(1, self.quotient(w * height, h, down)), height

    def quotient(self, a: int, b: int, down: bool) -> int:
        below = a // b
        if down or 2 * (a - below * b) < b:
            return below
        return below + (2 * (a - below * b) > b or below % 2)

    # Numbers

    def normalized(self, spec: dict[str, Any]) -> np.ndarray:
        level = np.arange(256, dtype=np.float32)
        factors = zip(spec["mean"], spec["std"], strict=True)
        return np.stack([self.normal(level, mean, std) for mean, std in factors])

    def normal(self, level: np.ndarray, mean: float, std: float) -> np.ndarray:
        return level * np.float32(1 / (255 * std)) + np.float32(-mean / std)

    def places(self, transform: list[int], boxes: np.ndarray, clip: bool) -> np.ndarray:
        w, h, wide, tall, left, top = transform
        found = np.empty_like(boxes)
        for column in range(4):
            side, resized, begin = ((w, wide, left), (h, tall, top))[column % 2]
            found[:, column] = self.place(boxes[:, column], side, resized, begin)
            if clip:
                found[:, column] = np.minimum(np.maximum(found[:, column], 0.0), side)
        return found

    def place(self, x: np.ndarray, side: int, resized: int, begin: int) -> np.ndarray:
        return (x + begin) * side / resized

    # What is refused

    def refusal(self, buffer: dict[str, Any]) -> str | None:
        kind = buffer["format"]
        if kind not in SAMPLES or buffer.get("orientation", 1) not in range(1, 9):
            return "image.buffer-format"
        colour = buffer.get("matrix"), buffer.get("value_range")
        if colour not in FACTORS if kind in CHROMA else colour != (None, None):
            return "image.buffer-format"
        step = 2 if kind in CHROMA else 1
        if any(side < 1 or side % step for side in (buffer["width"], buffer["height"])):
            return "image.buffer-size"
        if len(buffer["planes"]) != len(SAMPLES[kind]):
            return "image.buffer-format"
        found = (self.plane_refusal(buffer, number) for number in range(len(SAMPLES[kind])))
        return next(filter(None, found), None)

    def plane_refusal(self, buffer: dict[str, Any], number: int) -> str | None:
        plane, count = buffer["planes"][number], SAMPLES[buffer["format"]][number]
        width, height = self.plane_size(buffer, number)
        row = (width - 1) * plane["pixel_stride"] + count
        if plane["pixel_stride"] < count or plane["row_stride"] < row:
            return "image.buffer-stride"
        short = len(plane_bytes(plane)) < (height - 1) * plane["row_stride"] + row
        return "image.buffer-too-short" if short else None
