"""MNIST's four IDX files, made small: images of two grey levels, labels in turn."""

import gzip
import struct
from pathlib import Path

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """An array of bytes as IDX, written by the format's description."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + np.ascontiguousarray(array, dtype=np.uint8).tobytes()


def write_idx_folder(
    folder: Path,
    *,
    train: int = 40,
    test: int = 12,
    classes: int = 3,
    side: int = 6,
    packed: bool = True,
) -> Path:
    """Write the four files: an image shows its label as a bright row on noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        labels = np.arange(count) % classes
        images = rng.integers(0, 100, (count, side, side))
        images[np.arange(count), labels] += 150
        write(folder, f"{part}-images-idx3-ubyte", idx(images), packed)
        write(folder, f"{part}-labels-idx1-ubyte", idx(labels), packed)
    return folder


def write(folder: Path, name: str, content: bytes, packed: bool = True) -> Path:
    """Write one file, as it is or packed."""
    path = folder / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path
