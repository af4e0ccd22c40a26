"""The data sets that are known by name, one module each: found by name, never listed.

`contract.py` says what one is. A part of another distribution belongs to the kind `datasets`.
Nothing here imports PyTorch: bundles are verified and measured on the same images.
"""

from pathlib import Path

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import quoted
from mvmoe_deploy.training.datasets.contract import DataSet
from mvmoe_deploy.training.datasets.idx_folder import IdxFolder

_KIND = "datasets"


def find_data_set(data: str) -> DataSet | None:
    """The data set of that name, or the one whose files are in the directory `data`.

    None for any other directory: it has image files. Raises InputError if there is neither.
    """
    if is_name(data):
        named: DataSet = part_lookup.find(_KIND, data)
        return named
    folder = Path(data)
    if not folder.is_dir():
        raise InputError(
            f"data {quoted(data)} is neither a directory nor a data set; give a directory, or one "
            f"of {', '.join(part_lookup.names(_KIND))}",
            code="data.invalid",
            path=data,
        )
    if not IdxFolder.fits(folder):
        return None
    known: list[DataSet] = [part_lookup.find(_KIND, name) for name in part_lookup.names(_KIND)]
    return next((found for each in known if (found := each.at(folder))), IdxFolder(folder))


def is_name(data: str) -> bool:
    """Whether `data` is the name of a data set, and so no directory is looked for."""
    # The names of other distributions are read only if there is no directory of that name.
    return data in part_lookup.built_in_names(_KIND) or (
        not Path(data).is_dir() and data in part_lookup.names(_KIND)
    )
