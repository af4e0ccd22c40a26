"""Files that are given as weights and are something else: what they are, and what to do.

They are recognised by their first bytes, archives by the names of their entries.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mvmoe_deploy.text import name as shown

ZIP = b"PK\x03\x04"

_STARTS = {
    b"\x1f\x8b": "is packed by gzip; unpack it first",
    b"BZh": "is packed by bzip2; unpack it first",
    b"\xfd7zXZ": "is packed by xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is packed by zstd; unpack it first",
    b"\x89HDF": "is an HDF5 file of Keras; convert it to a PyTorch state dict first",
    b"GGUF": "is a GGUF file; give the weights that it was made from",
    b"\x93NUMPY": "is an array of NumPy; give a state dict of tensors",
    b"version https://git-lfs": "is a pointer of Git LFS, not the weights; run git lfs pull",
    b"{": "is JSON, not weights; give the file of weights or the directory that holds both",
    b"<": "is a web page or XML, not weights; download the file itself",
}
"""By the first bytes, what follows the name of a file in a sentence."""


class OtherKind(NamedTuple):
    """What a file is, as the rest of a sentence, and whether it is weights that were cut off."""

    words: str
    damaged: bool = False


def other_kind(path: Path, start: bytes) -> OtherKind | None:
    """What a file is that can hold no weights; None if it may.

    `start` is how it begins.
    """
    if not start:
        return OtherKind(
            "is no whole safetensors file and no whole PyTorch file: it is empty; copy or download "
            "it again",
            damaged=True,
        )
    if start.startswith(ZIP):
        return _other_archive(path)
    if is_pickle(start, range(4, 6)):
        return _of_protocol(start[1])
    found = (words for first, words in _STARTS.items() if start.startswith(first))
    return next(map(OtherKind, found), None)


def is_pickle(start: bytes, protocols: Sequence[int]) -> bool:
    """Whether bytes begin a pickle of one of these protocols."""
    return len(start) > 1 and start[0] == 0x80 and start[1] in protocols


def _of_protocol(number: int) -> OtherKind:
    return OtherKind(
        f"is a pickle of protocol {number}, which cannot be read without running what it holds; "
        "save the state dict again by torch.save without pickle_protocol"
    )


def _other_archive(path: Path) -> OtherKind | None:
    """What a zip archive is if it is not one of `torch.save` that can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            pickles = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
            start = archive.open(pickles[0]).read(2) if len(pickles) == 1 else b""
    except zipfile.BadZipFile:
        return OtherKind(
            "is no whole PyTorch file: its end is missing or damaged; copy or download it again",
            damaged=True,
        )
    except (ValueError, NotImplementedError, OSError, EOFError, RuntimeError):
        return None  # PyTorch's own reader says what is wrong
    if any(name.endswith("/constants.pkl") for name in names):
        return OtherKind(
            "is a TorchScript program; save model.state_dict() of the model it was made from"
        )
    if names and all(name.endswith(".npy") for name in names):
        return OtherKind("is an archive of NumPy; save its arrays as tensors by torch.save")
    if not pickles:
        held = ", ".join(map(shown, names[:3])) or "nothing"
        return OtherKind(
            f"is a zip archive that holds {held}; unpack it, and give a file of weights"
        )
    return _of_protocol(start[1]) if is_pickle(start, range(4, 6)) else None
