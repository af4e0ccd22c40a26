"""Write the conformance cases of preprocessing: run this file.

The expected values are those of mvmoe_deploy; the test beside this file compares them with a second
implementation, and asserts that this program writes what is committed.
"""

import base64
import hashlib
import itertools
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from preprocessing_reference import ReferenceReader
from preprocessing_suite import bits

FOLDER = Path(__file__).parent / "cases"
READER = ReferenceReader()

Case = dict[str, Any]

FILTERS = ("bicubic", "bilinear", "nearest", "lanczos")
SAMPLES = {"L": 1, "RGB": 3, "RGBA": 4, "BGRA": 4}
COLOURS = [(m, r) for m in ("bt601", "bt709") for r in ("full", "video")]
STATISTICS = {
    "RGB": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "BGR": {"mean": [0.406, 0.456, 0.485], "std": [0.225, 0.224, 0.229]},
    "L": {"mean": [0.4], "std": [0.3]},
}
_STORED = 600
"""Levels that are written out; of more there is the hash alone."""


# What cases are made of


def spec(height: int, width: int, order: str = "RGB", **fields: Any) -> Case:
    """An `input` of a manifest."""
    return {
        "height": height,
        "width": width,
        "channel_order": order,
        "interpolation": "bicubic",
        **fields,
        **STATISTICS[order],
    }


def letterbox(level: int = 114, place: str = "around", rounding: str = "nearest") -> Case:
    return {
        "resize": "letterbox",
        "pad_level": level,
        "pad_place": place,
        "pad_rounding": rounding,
    }


def seeded(seed: int, length: int, row: int, pixel: int, run: int = 1) -> Case:
    """A plane that is made by the formula."""
    return {"row_stride": row, "pixel_stride": pixel, "seed": seed, "run": run, "length": length}


def written(data: bytes, row: int, pixel: int) -> Case:
    """A plane that is stored."""
    return {"row_stride": row, "pixel_stride": pixel, "base64": base64.b64encode(data).decode()}


def packed(kind: str, width: int, height: int, seed: int, *, gap: int = 0, run: int = 1) -> Case:
    """A buffer of one plane; `gap` bytes lie between its rows."""
    pixel = SAMPLES[kind]
    row = width * pixel + gap
    length = (height - 1) * row + width * pixel
    plane = seeded(seed, length, row, pixel, run)
    return {"format": kind, "width": width, "height": height, "planes": [plane]}


def chroma(
    kind: str,
    width: int,
    height: int,
    seed: int,
    *,
    colour: tuple[str, str],
    gap: int = 0,
    run: int = 1,
) -> Case:
    """A buffer of luma and chroma as a camera has it."""
    row = width + gap
    luma = seeded(seed, (height - 1) * row + width, row, 1, run)
    # Android has U and V of a format of three planes two bytes apart too.
    count, step = (1, 2) if kind == "YUV420" else (2, 2)
    length = (height // 2 - 1) * row + (width // 2 - 1) * step + count
    planes = [luma, *(seeded(seed + n, length, row, step, run) for n in range(1, 4 - count))]
    return {
        "format": kind,
        "width": width,
        "height": height,
        "planes": planes,
        "matrix": colour[0],
        "value_range": colour[1],
    }


def case(name: str, buffer: Case, given: Case) -> Case:
    """A case of pixels with what the reference makes of it."""
    levels, transform = READER.levels(buffer, given)
    data = levels.tobytes()
    expected = {"transform": transform, "sha256": hashlib.sha256(data).hexdigest()}
    if len(data) <= _STORED:
        expected["base64"] = base64.b64encode(data).decode()
    return {"name": name, "buffer": buffer, "input": given, "expected": expected}


# The files

RULES: dict[str, Case] = {
    "timm": spec(12, 12, resize="timm", crop_fraction=0.875),
    "timm-whole": spec(12, 12, resize="timm", crop_fraction=1.0),
    "timm-wide": spec(10, 14, resize="timm", crop_fraction=0.9),
    "torchvision": spec(12, 12, resize="torchvision", resize_size=13),
    "torchvision-wide": spec(10, 14, resize="torchvision", resize_size=17),
    "squash": spec(12, 10, resize="squash", crop_fraction=0.9),
    "squash-whole": spec(9, 13, resize="squash", crop_fraction=1.0),
    "border": spec(12, 12, resize="border", crop_fraction=1.0),
    "border-cut": spec(12, 12, resize="border", crop_fraction=0.6),
    "letterbox": spec(12, 12, **letterbox()),
    "letterbox-corner": spec(12, 12, **letterbox(0, "right-bottom", "down")),
    "letterbox-wide": spec(9, 14, **letterbox(255, "around", "down")),
    "letterbox-tall": spec(15, 8, **letterbox(37, "right-bottom", "nearest")),
}
SIZES = [
    (1, 1),
    (12, 12),
    (20, 31),
    (1, 9),
    (31, 20),
    (13, 12),
    (64, 49),
    (7, 1),
    (101, 37),
    (5, 3),
]


def resizing() -> Iterator[Case]:
    """Every rule with every filter, on images of every kind and of changing sizes."""
    sizes, kinds = itertools.cycle(SIZES), itertools.cycle(["RGB", "L", "RGBA", "BGRA"])
    orders = itertools.cycle(["RGB", "BGR", "RGB", "L", "BGR"])
    seeds = itertools.count(1)
    for (rule, fields), filter_ in itertools.product(RULES.items(), FILTERS):
        for _ in range(5):
            (width, height), kind, order = next(sizes), next(kinds), next(orders)
            given = {**fields, "interpolation": filter_, "channel_order": order}
            given |= STATISTICS[order]
            name = f"{rule} {filter_} {width}x{height} {kind} to {order}"
            yield case(name, packed(kind, width, height, next(seeds)), given)


AS_IT_IS = {"resize": "squash", "crop_fraction": 1.0}


def buffers() -> Iterator[Case]:
    """Every format and colour, not resized, with the strides of cameras and with odd ones."""
    for kind, colour in itertools.product(("NV12", "NV21", "YUV420"), COLOURS):
        name = f"{kind} {' '.join(colour)}"
        yield case(f"{name} corners", corners(kind, colour), spec(10, 10, **AS_IT_IS))
        buffer = chroma(kind, 16, 12, len(name), colour=colour, gap=16)
        yield case(f"{name} rows of 32 bytes", buffer, spec(12, 16, **AS_IT_IS))
    spaced = chroma("NV21", 6, 4, 9, colour=("bt601", "full"))
    spaced["planes"] = [seeded(3, 3 * 31 + 16, 31, 3), seeded(4, 21 + 12, 21, 5)]
    yield case("NV21 pixels of 3 and 5 bytes", spaced, spec(4, 6, **AS_IT_IS))
    planar = chroma("YUV420", 8, 6, 9, colour=("bt601", "full"))
    planar["planes"] = [seeded(3, 48, 8, 1), seeded(4, 12, 4, 1), seeded(5, 12, 4, 1)]
    yield case("YUV420 dense planes", planar, spec(6, 8, "BGR", **AS_IT_IS))
    for order in ("L", "BGR"):
        buffer = chroma("NV12", 16, 12, 77, colour=("bt709", "video"))
        yield case(f"NV12 to {order}", buffer, spec(12, 16, order, **AS_IT_IS))
    for kind, gap in itertools.product(SAMPLES, (0, 5, 64)):
        buffer = packed(kind, 11, 7, 100 + gap, gap=gap)
        yield case(f"{kind} rows with {gap} bytes between", buffer, spec(7, 11, **AS_IT_IS))
    wide = packed("BGRA", 5, 3, 8)
    wide["planes"] = [seeded(8, 2 * 50 + 4 * 9 + 4, 50, 9)]
    yield case("BGRA pixels of 9 bytes", wide, spec(3, 5, **AS_IT_IS))
    clear = written(bytes([200, 100, 50, 0, 10, 250, 90, 128] * 2), 8, 4)
    buffer = {"format": "RGBA", "width": 2, "height": 2, "planes": [clear]}
    yield case("RGBA transparent", buffer, spec(2, 2, **AS_IT_IS))


def corners(kind: str, colour: tuple[str, str]) -> Case:
    """10 x 10 pixels: blocks of 2 x 2 with all pairs of chroma values at the edges of ranges."""
    levels = [0, 16, 128, 240, 255]
    pairs = np.array(list(itertools.product(levels, levels)), np.uint8).reshape(5, 5, 2)
    block = np.array([[0, 16], [126, 235]], np.uint8)
    luma = np.tile(block, (5, 5))
    luma[4:6, 4:6] = 255
    planes = {
        "NV12": [pairs],
        "NV21": [pairs[:, :, ::-1]],
        "YUV420": [pairs[:, :, :1], pairs[:, :, 1:]],
    }[kind]
    return {
        "format": kind,
        "width": 10,
        "height": 10,
        "planes": [
            written(luma.tobytes(), 10, 1),
            *(written(plane.tobytes(), 5 * plane.shape[2], plane.shape[2]) for plane in planes),
        ],
        "matrix": colour[0],
        "value_range": colour[1],
    }


def orientations() -> Iterator[Case]:
    """Each orientation, as it is and before a rule for which the sides differ."""
    for orientation in range(1, 9):
        turned = {"orientation": orientation}
        sides = (10, 6) if orientation < 5 else (6, 10)
        given = spec(sides[1], sides[0], **AS_IT_IS)
        yield case(f"RGBA orientation {orientation}", packed("RGBA", 10, 6, 5) | turned, given)
        buffer = chroma("NV12", 24, 14, 6, colour=("bt601", "full"), gap=8) | turned
        given = spec(12, 12, "RGB", **letterbox(0, "right-bottom"))
        yield case(f"NV12 orientation {orientation} letterbox", buffer, given)
        given = spec(8, 12, "L", resize="timm", crop_fraction=0.875)
        yield case(f"L orientation {orientation} timm", packed("L", 37, 21, 7) | turned, given)


def large() -> Iterator[Case]:
    """Images of cameras' sizes, and long narrow ones."""
    video, full = ("bt709", "video"), ("bt601", "full")
    timm = {"resize": "timm", "crop_fraction": 0.875}
    yield case(
        "4000x3000 RGBA timm",
        packed("RGBA", 4000, 3000, 1, gap=64, run=29),
        spec(224, 224, **timm),
    )
    yield case(
        "4000x3000 NV12 orientation 6 letterbox",
        chroma("NV12", 4000, 3000, 2, colour=full, gap=96, run=13) | {"orientation": 6},
        spec(320, 320, **letterbox()) | {"interpolation": "bilinear"},
    )
    yield case(
        "1920x1080 NV21 torchvision",
        chroma("NV21", 1920, 1080, 3, colour=video, run=7),
        spec(224, 224, "BGR", resize="torchvision", resize_size=256),
    )
    yield case(
        "1279x2001 L border lanczos",
        packed("L", 1279, 2001, 4, run=5),
        spec(96, 160, "L", resize="border", crop_fraction=0.95) | {"interpolation": "lanczos"},
    )
    yield case(
        "2999x1999 RGB nearest",
        packed("RGB", 2999, 1999, 5),
        spec(331, 337, resize="squash", crop_fraction=1.0) | {"interpolation": "nearest"},
    )
    yield case(
        "640x482 YUV420 letterbox",
        chroma("YUV420", 640, 482, 6, colour=full, gap=64) | {"orientation": 8},
        spec(416, 320, **letterbox(114, "right-bottom", "down")) | {"interpolation": "bilinear"},
    )
    yield case("9000x9 RGB squash", packed("RGB", 9000, 9, 7), spec(64, 64, **AS_IT_IS))
    yield case(
        "3x70001 L border",
        packed("L", 3, 70001, 8),
        spec(48, 48, resize="border", crop_fraction=1.0),
    )


def geometry() -> Iterator[Case]:
    """Where images of many sizes lie: no pixels, so that a fault is seen at once."""
    chosen = random.Random(14)
    inputs = {
        **RULES,
        "timm-224": spec(224, 224, resize="timm", crop_fraction=0.9),
        "timm-tall": spec(256, 192, resize="timm", crop_fraction=0.95),
        "torchvision-224": spec(224, 224, resize="torchvision", resize_size=232),
        "border-320": spec(320, 192, resize="border", crop_fraction=0.97),
        "letterbox-640": spec(640, 640, **letterbox()),
        "letterbox-640-corner": spec(640, 640, **letterbox(114, "right-bottom", "down")),
        "letterbox-416x320": spec(320, 416, **letterbox()),
    }
    fixed = [(1, 1), (4000, 3000), (3000, 4000), (1920, 1080), (224, 225), (224, 227), (640, 480)]
    fixed += [(1280, n) for n in (1, 3, 5, 7, 719, 721)] + [(99_999, 77), (3, 1_000_000)]
    for name, given in inputs.items():
        sizes = fixed + [(chosen.randint(1, 4000), chosen.randint(1, 4000)) for _ in range(30)]
        found = [READER.geometry(list(size), given) for size in sizes]
        yield {"name": f"geometry {name}", "input": given, "transforms": found}


def normalizing() -> Iterator[Case]:
    """What each level becomes, to the last bit."""
    others = {
        "zero to one": {"mean": [0.0] * 3, "std": [1.0] * 3},
        "minus one to one": {"mean": [0.5] * 3, "std": [0.5] * 3},
        "levels": {"mean": [0.0] * 3, "std": [1 / 255] * 3},
        "extreme": {"mean": [-1000.0, 999.9, 0.1], "std": [1e-6, 1000.0, 0.3]},
    }
    for name, fields in [*STATISTICS.items(), *others.items()]:
        given = spec(1, 1, name if name in STATISTICS else "RGB", **AS_IT_IS) | fields
        data = READER.normalized(given).astype("<f4").tobytes()
        expected = base64.b64encode(data).decode()
        yield {"name": f"normalizing {name}", "input": given, "expected": expected}


def boxes() -> Iterator[Case]:
    """Boxes back in the image, to the last bit."""
    chosen = random.Random(15)
    transforms = [
        [4000, 3000, 640, 480, 0, -80],
        [1081, 1921, 361, 640, -139, 0],
        [500, 375, 330, 248, 53, 12],
        [7, 1_000_003, 3, 8000, -2, 3888],
    ]
    for number, transform in enumerate(transforms):
        given = np.array([[chosen.uniform(-9, 650) for _ in range(4)] for _ in range(12)])
        given[0] = [0.5, 1.25, 223.75, 224.0]
        given[1:3] = given[1:3].astype(np.float32)
        yield {
            "name": f"boxes {number}",
            "transform": transform,
            "boxes": bits(given),
            "cut": bits(READER.places(transform, given, clip=True)),
            "not_cut": bits(READER.places(transform, given, clip=False)),
        }


def refused() -> Iterator[Case]:
    """Buffers that are refused, each with its code, and healthy ones beside them."""
    nv12 = chroma("NV12", 4, 4, 1, colour=("bt601", "full"))
    rgba = packed("RGBA", 2, 2, 1)
    luma, pairs = nv12["planes"]
    changes: list[tuple[str, Case]] = [
        ("nothing wrong with NV12", nv12),
        ("nothing wrong with RGBA", rgba),
        ("nothing wrong with a long plane", nv12 | {"planes": [luma | {"length": 99}, pairs]}),
        ("unknown format", nv12 | {"format": "I420"}),
        ("format in small letters", nv12 | {"format": "nv12"}),
        ("unknown matrix", nv12 | {"matrix": "bt2020"}),
        ("unknown range", nv12 | {"value_range": "limited"}),
        ("no matrix", {key: value for key, value in nv12.items() if key != "matrix"}),
        ("no range", {key: value for key, value in nv12.items() if key != "value_range"}),
        ("a matrix of RGBA", rgba | {"matrix": "bt601"}),
        ("a range of RGBA", rgba | {"value_range": "full"}),
        ("orientation 0", rgba | {"orientation": 0}),
        ("orientation 9", rgba | {"orientation": 9}),
        ("one plane of two", nv12 | {"planes": [luma]}),
        ("three planes for two", nv12 | {"planes": [luma, pairs, pairs]}),
        ("no planes", rgba | {"planes": []}),
        ("odd width", nv12 | {"width": 3}),
        ("odd height", nv12 | {"height": 3}),
        ("no width", rgba | {"width": 0}),
        ("negative height", rgba | {"height": -2}),
    ]
    for number, name in enumerate(("luma", "chroma")):
        samples = number + 1
        for what, fields in {
            "rows that overlap": {"row_stride": 3},
            "a negative row stride": {"row_stride": -4},
            "a row stride of 0": {"row_stride": 0},
            "pixels that overlap": {"pixel_stride": samples - 1},
            "a negative pixel stride": {"pixel_stride": -samples},
            "a byte too few": {"length": nv12["planes"][number]["length"] - 1},
            "no bytes": {"length": 0},
        }.items():
            planes = [*nv12["planes"]]
            planes[number] = planes[number] | fields
            changes.append((f"{name}: {what}", nv12 | {"planes": planes}))
    short = rgba["planes"][0] | {"length": 15}
    changes.append(("RGBA: a byte too few", rgba | {"planes": [short]}))
    changes.append(("odd and too short", nv12 | {"width": 5, "planes": [short, pairs]}))
    for name, buffer in changes:
        yield {"name": name, "buffer": buffer, "code": READER.refusal(buffer)}


FILES = {
    each.__name__: each
    for each in (resizing, buffers, orientations, large, geometry, normalizing, boxes, refused)
}


def text(name: str) -> str:
    """The text of one file: a case a line."""
    lines = [json.dumps(each, separators=(",", ":")) for each in FILES[name]()]
    return '{"cases": [\n' + ",\n".join(lines) + "\n]}\n"


def main() -> None:
    """Write every file."""
    FOLDER.mkdir(exist_ok=True)
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(text(name))


if __name__ == "__main__":
    main()
