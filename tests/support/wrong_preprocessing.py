"""Readers that each make one mistake of those that ports make; the cases must catch every one."""

import numpy as np
from page_preprocessing import FACTORS, PageReader
from page_resizing import one_pass


class CropOffByOne(PageReader):
    def centre(self, difference):
        return super().centre(difference) + (difference > 1)


class CropRoundedDown(PageReader):
    def centre(self, difference):
        return difference // 2


class CropHalvesUp(PageReader):
    def centre(self, difference):
        return (difference + 1) // 2


class LongerSideRounded(PageReader):
    """Rounds to the nearest pixel where torchvision rounds down."""

    def shorter(self, side, w, h):
        return (side, round(side * h / w)) if w <= h else (round(side * w / h), side)


class LetterboxAtTheTopLeft(PageReader):
    def begin(self, resized, side, spec):
        return 0 if resized < side else super().begin(resized, side, spec)


class LetterboxAlwaysAround(PageReader):
    def begin(self, resized, side, spec):
        return super().begin(resized, side, {**spec, "pad_place": "around"})


class LetterboxPaddingFirst(PageReader):
    """Puts the odd pixel of the padding before the image."""

    def begin(self, resized, side, spec):
        found = super().begin(resized, side, spec)
        return found - (side - resized) % 2 if found < 0 else found


class LetterboxRoundedDown(PageReader):
    def quotient(self, a, b, down):
        return a // b


class LetterboxHalvesUp(PageReader):
    def quotient(self, a, b, down):
        return a // b if down else (2 * a + b) // (2 * b)


class LetterboxNeverEnlarges(PageReader):
    """What Ultralytics' `scaleup=False` does in training."""

    def letterbox(self, w, h, spec):
        return (w, h) if max(w, h) < 12 else super().letterbox(w, h, spec)


class LetterboxBlack(PageReader):
    def fill(self, spec):
        return [0] if spec["resize"] == "letterbox" else super().fill(spec)


class BorderOfBgrNotTurned(PageReader):
    """Fills with the mean as the manifest has it, and then swaps the channels."""

    def fill(self, spec):
        return super().fill({**spec, "channel_order": "RGB"})


class BgrNotSwapped(PageReader):
    def ordered(self, pixels, spec):
        return pixels


class ColumnsFirst(PageReader):
    def passes(self, pixels, whole, wanted, interpolation):
        pixels = self.one_pass(pixels, whole[1], wanted[1], interpolation)
        wide = self.one_pass(pixels.swapaxes(0, 1), whole[0], wanted[0], interpolation)
        return wide.swapaxes(0, 1)


class KernelNotWidened(PageReader):
    def one_pass(self, rows, count, wanted, interpolation):
        return one_pass(rows, count, (0, len(rows)), interpolation, wanted, widened=False)


class NearestAtTheCorner(PageReader):
    def one_pass(self, rows, count, wanted, interpolation):
        if interpolation != "nearest":
            return super().one_pass(rows, count, wanted, interpolation)
        return rows[[place * len(rows) // count for place in wanted]]


class NearestByAProduct(PageReader):
    def one_pass(self, rows, count, wanted, interpolation):
        if interpolation != "nearest":
            return super().one_pass(rows, count, wanted, interpolation)
        return rows[[int((place + 0.5) * (len(rows) / count)) for place in wanted]]


class BicubicOfOpenCv(PageReader):
    """The other usual constant of the kernel, -0.75."""

    def one_pass(self, rows, count, wanted, interpolation):
        if interpolation != "bicubic" or count == len(rows):
            return super().one_pass(rows, count, wanted, interpolation)
        scale = len(rows) / count
        wide = max(scale, 1.0)
        found = []
        for place in wanted:
            centre = (place + 0.5) * scale
            begin = max(int(centre - 2 * wide + 0.5), 0)
            end = min(int(centre + 2 * wide + 0.5), len(rows))
            x, a = np.abs(np.arange(begin, end) - centre + 0.5) / wide, -0.75
            near = ((a + 2) * x - (a + 3)) * x * x + 1
            far = (((x - 5) * x + 8) * x - 4) * a
            weights = np.where(x < 1, near, np.where(x < 2, far, 0))
            total = np.tensordot(weights / weights.sum(), rows[begin:end], axes=(0, 0))
            found.append(np.clip(np.rint(total), 0, 255))
        return np.array(found, np.uint8)


class UvSwapped(PageReader):
    def chroma(self, kind, planes):
        return super().chroma(kind, planes)[::-1]


class Nv21ReadAsNv12(PageReader):
    def chroma(self, kind, planes):
        return super().chroma("NV12" if kind == "NV21" else kind, planes)


class RangeNotExpanded(PageReader):
    def factors(self, buffer):
        return FACTORS[buffer["matrix"], "full"]


class AlwaysBt601(PageReader):
    def factors(self, buffer):
        return FACTORS["bt601", buffer["value_range"]]


class CoarseFactors(PageReader):
    """The factors of 8 bits that many code samples have."""

    def factors(self, buffer):
        black, *factors = super().factors(buffer)
        return (black, *(256 * round(factor / 256) for factor in factors))


class ColourCutAndNotRounded(PageReader):
    def colours(self, buffer, luma, u, v):
        black, a, b, c, d, e = self.factors(buffer)
        level = a * (luma.astype(np.int32) - black)
        u, v = (self.spread(each).astype(np.int32) - 128 for each in (u, v))
        channels = (level + b * v, level - c * u - d * v, level + e * u)
        return np.stack([np.clip(each >> 16, 0, 255).astype(np.uint8) for each in channels], axis=2)


class ChromaInterpolated(PageReader):
    def spread(self, chroma):
        wide = np.repeat(np.repeat(chroma, 2, axis=0), 2, axis=1).astype(int)
        shifted = np.roll(wide, 1, axis=1)
        shifted[:, 0] = wide[:, 0]
        return ((wide + shifted + 1) // 2).astype(np.uint8)


class GreyFromLuma(PageReader):
    def converted(self, pixels, spec):
        grey = super().converted(pixels, spec)
        return pixels[:, :, 1:2] if spec["channel_order"] == "L" and pixels.shape[2] == 3 else grey


class GreyOfHalves(PageReader):
    """The luma of floating-point factors, cut off."""

    def converted(self, pixels, spec):
        if spec["channel_order"] != "L" or pixels.shape[2] == 1:
            return super().converted(pixels, spec)
        return (pixels @ [0.299, 0.587, 0.114]).astype(np.uint8)[:, :, None]


class AlphaMultiplied(PageReader):
    def without_alpha(self, kind, pixels):
        colours = super().without_alpha(kind, pixels)
        if pixels.shape[2] < 4:
            return colours
        return (colours.astype(int) * pixels[:, :, 3:] // 255).astype(np.uint8)


class BgraReadAsRgba(PageReader):
    def without_alpha(self, kind, pixels):
        return pixels[:, :, :3]


class RowStrideIgnored(PageReader):
    def row_stride(self, plane, width, count):
        return min(width * plane["pixel_stride"], plane["row_stride"])


class PixelStrideIgnored(PageReader):
    def pixel_stride(self, plane, count):
        return count


class OrientationIgnored(PageReader):
    def upright(self, stored, orientation):
        return stored


class SixAndEightSwapped(PageReader):
    def upright(self, stored, orientation):
        return super().upright(stored, {6: 8, 8: 6}.get(orientation, orientation))


class FiveAndSevenSwapped(PageReader):
    def upright(self, stored, orientation):
        return super().upright(stored, {5: 7, 7: 5}.get(orientation, orientation))


class MirrorsForgotten(PageReader):
    def upright(self, stored, orientation):
        return super().upright(stored, {2: 1, 4: 3, 5: 6, 7: 8}.get(orientation, orientation))


class NormalizedByDivision(PageReader):
    def normal(self, level, mean, std):
        return (level / np.float32(255) - np.float32(mean)) / np.float32(std)


class NormalizedWithAFusedMultiplyAdd(PageReader):
    def normal(self, level, mean, std):
        a, b = np.float64(np.float32(1 / (255 * std))), np.float64(np.float32(-mean / std))
        return (level.astype(np.float64) * a + b).astype(np.float32)


class OneScaleForBothAxes(PageReader):
    def places(self, transform, boxes, clip):
        w, _, wide, tall, left, top = transform
        return super().places([w, round(tall * w / wide), wide, tall, left, top], boxes, clip)


class BoxesNotCut(PageReader):
    def places(self, transform, boxes, clip):
        return super().places(transform, boxes, False)


class BoxesInSinglePrecision(PageReader):
    def place(self, x, side, resized, begin):
        return super().place(x.astype(np.float32), side, resized, begin).astype(float)


class BoxesScaledByAQuotient(PageReader):
    def place(self, x, side, resized, begin):
        return (x + begin) * (side / resized)


class PaddingNotTakenOff(PageReader):
    def place(self, x, side, resized, begin):
        return x * side / resized


class ShortPlanesRead(PageReader):
    def plane_refusal(self, buffer, number):
        found = super().plane_refusal(buffer, number)
        return None if found == "image.buffer-too-short" else found


class OverlappingRowsRead(PageReader):
    def plane_refusal(self, buffer, number):
        found = super().plane_refusal(buffer, number)
        return None if found == "image.buffer-stride" else found


class OddSizesRead(PageReader):
    def refusal(self, buffer):
        found = super().refusal(buffer)
        return None if found == "image.buffer-size" else found


class SizesCheckedLast(PageReader):
    def refusal(self, buffer):
        found = super().refusal(buffer)
        if found != "image.buffer-size" or min(buffer["width"], buffer["height"]) < 2:
            return found
        planes = (self.plane_refusal(buffer, number) for number in range(len(buffer["planes"])))
        return next(filter(None, planes), found)


WRONG = [
    each for each in list(vars().values()) if isinstance(each, type) and each.__base__ is PageReader
]
"""Every one of them."""
