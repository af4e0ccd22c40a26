"""One plane of a buffer: bytes, and how far apart its rows and pixels are."""

from dataclasses import dataclass

import numpy as np

from mvmoe_deploy.errors import ImageError

_Bytes = bytes | bytearray | memoryview | np.ndarray


@dataclass(frozen=True, eq=False)
class Plane:
    """Bytes as a camera hands them over; nothing is copied.

    `row_stride` is the number of bytes from one row to the next (`getRowStride()` of Android's
    `ImageProxy.PlaneProxy`, `CVPixelBufferGetBytesPerRowOfPlane`), `pixel_stride` that from one
    pixel to the next (`getPixelStride()`). The bytes after the last sample of the last row may be
    missing, as they are in Android's planes.
    """

    data: _Bytes
    row_stride: int
    pixel_stride: int

    def samples(self, size: tuple[int, int], count: int, name: str) -> np.ndarray:
        """A view `[rows, columns, count]` (uint8) of a plane of this size (columns, rows).

        Raises ImageError, which calls the plane `name`, if it does not hold that much.
        """
        columns, rows = size
        self._require_strides(columns, count, name)
        data = _bytes_of(self.data, name)
        row = (columns - 1) * self.pixel_stride + count
        needed = (rows - 1) * self.row_stride + row
        if len(data) < needed:
            raise ImageError(
                f"the {name} plane has {len(data):,} bytes; {columns} x {rows} pixels with its "
                f"strides ({self.row_stride}, {self.pixel_stride}) need {needed:,}: give all of "
                "the plane, and its own strides",
                code="image.buffer-too-short",
                plane=name,
                expected=needed,
                found=len(data),
            )
        return np.ndarray(
            (rows, columns, count), np.uint8, data, strides=(self.row_stride, self.pixel_stride, 1)
        )

    def _require_strides(self, columns: int, count: int, name: str) -> None:
        """Refuse strides by which pixels or rows would lie over each other."""
        self._require_stride("pixel", self.pixel_stride, count, name)
        least = (columns - 1) * self.pixel_stride + count
        self._require_stride("row", self.row_stride, least, name)

    @staticmethod
    def _require_stride(kind: str, stride: int, least: int, name: str) -> None:
        if not isinstance(stride, int) or stride < least:
            raise ImageError(
                f"the {kind} stride of the {name} plane is {stride!r}; expected a whole number of "
                f"at least {least} bytes: give the stride that the camera states",
                code="image.buffer-stride",
                plane=name,
                expected=least,
                found=stride if isinstance(stride, int) else str(stride),
            )


def _bytes_of(data: _Bytes, name: str) -> np.ndarray:
    """All bytes of a plane `[n]` (uint8), not copied."""
    try:
        if isinstance(data, np.ndarray):
            if data.dtype != np.uint8 or not data.flags.c_contiguous:
                raise TypeError(f"an array of {data.dtype} that may have gaps")
            return data.reshape(-1)
        return np.frombuffer(data, np.uint8)
    except (TypeError, ValueError) as error:
        raise ImageError(
            f"the {name} plane is a {type(data).__name__} that is no row of bytes ({error}); give "
            "bytes, a memoryview or a contiguous uint8 array",
            code="image.buffer-format",
        ) from error
