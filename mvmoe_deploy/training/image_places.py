"""Where the images of a training are; known before PyTorch is imported."""

from pathlib import Path

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system import output_places
from mvmoe_deploy.text import choices_text, quoted
from mvmoe_deploy.training.datasets import is_name


def require_images(data: str) -> None:
    """Refuse images that are neither a data set's name nor a directory; raises InputError."""
    if is_name(data) or Path(data).is_dir():
        return
    known = part_lookup.names("datasets")
    raise InputError(
        f"--data {quoted(data)} is no directory, and no data set: "
        f"{choices_text(data, known, 'there are')}",
        code="data.invalid",
        path=data,
        expected=known,
    )


def require_apart(data: str, out: Path) -> None:
    """Refuse to train in a directory of the images, where what is written would count as some.

    Raises InputError.
    """
    if not is_name(data):
        root = Path(data)
        output_places.refuse_overlap([out], [root / "train", root / "val"], [root])
