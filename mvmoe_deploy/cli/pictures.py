"""Pictures of outputs in a directory of their own, which appears whole or not at all."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvmoe_deploy.system import files, output_places

if TYPE_CHECKING:
    from PIL.Image import Image

_MARK = "mvmoe, picture of an output"
"""The text `Software` of each picture, by which a later run knows it."""

_foreign_to_picture = output_places.foreign_without([f"Software\0{_MARK}".encode()], "picture")


def require_free(folder: Path, replace: bool, bundle: Path, images: Sequence[Path]) -> None:
    """Refuse a directory that may not take pictures of `images`; raises as `new_pictures` does."""
    output_places.refuse_overlap([folder], [bundle], images)
    output_places.require_directory(folder, foreign_to_pictures if replace else None)


@contextlib.contextmanager
def new_pictures(folder: Path, replace: bool) -> Iterator[Path]:
    """A working directory that becomes `folder`; with `replace` in place of earlier pictures.

    Raises InputError for what may not be replaced, OutputError if the system refuses.
    """
    with files.new_directory(folder, foreign_to_pictures if replace else None) as work:
        yield work


def foreign_to_pictures(folder: Path) -> str | None:
    """Why a directory does not hold pictures of ours alone; None if it does."""
    ours = {path.name for path in folder.glob("*.png") if _foreign_to_picture(path) is None}
    found = output_places.unknown_entry(folder, ours)
    return None if found is None else f"holds {found}, which mvmoe run has not written"


def write_picture(picture: "Image", path: Path) -> None:
    """Write a picture as PNG."""
    from PIL.PngImagePlugin import PngInfo

    made_by = PngInfo()
    made_by.add_text("Software", _MARK)
    picture.save(path, pnginfo=made_by)


def picture_stems(images: Sequence[Path]) -> list[str]:
    """What the pictures of each image are called: its name, after a number if two share it."""
    stems = [path.stem for path in images]
    # Some file systems do not tell upper from lower case.
    if len({stem.casefold() for stem in stems}) == len(stems):
        return stems
    digits = len(str(len(stems)))
    return [f"{number:0{digits}}-{stem}" for number, stem in enumerate(stems, start=1)]
