"""What is wrong with a command's arguments, known before PyTorch is imported.

Importing it takes seconds. The work asks the same again, and more exactly: nothing relies on these.
"""

from pathlib import Path

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.system import output_places


def require_checkpoint(path: Path | None) -> None:
    """Refuse a checkpoint that is not there; raises CheckpointError."""
    if path is not None and not path.exists():
        raise CheckpointError.missing(path)


def require_configuration(preset_or_file: str | None) -> None:
    """Refuse a configuration file that is not there; raises InputError."""
    path = Path(preset_or_file or "")
    if path.suffix == ".json" and not path.exists():
        raise InputError(
            f"config file {path} does not exist; give the path of one, or the name of a preset",
            code="model.config-invalid",
            path=str(path),
        )


def require_new_checkpoint(path: Path, force: bool) -> None:
    """Refuse a place that no checkpoint may be written to; raises InputError or OutputError.

    What --force may replace is asked of the file, later.
    """
    require = (
        output_places.require_file
        if path.suffix == ".safetensors"
        else output_places.require_directory
    )
    require(path, (lambda _: None) if force else None)


def require_run_directory(path: Path, resume: bool) -> None:
    """Refuse a directory that holds something, where no run is resumed; raises InputError."""
    if not resume and path.is_dir() and any(path.iterdir()):
        raise InputError(
            f"{path} exists already; give another output path, or --resume to continue the run in "
            "it",
            code="output.exists",
            path=str(path),
        )
