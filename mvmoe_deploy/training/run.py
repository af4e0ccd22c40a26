"""The directory of a run: who may write in it, what it was asked to do, when it is finished.

options.json  metrics.jsonl  dense/  <routing>/  class_to_expert.png  report.json
state/        while the run is under way: the training state of each phase and a lock
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from mvmoe_deploy import files
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.training.options import TrainOptions, differing_option

OPTIONS, STATE, REPORT = "options.json", "state", "report.json"

_DATA = "images"
"""Beside the options: the fingerprint of the data they were given for."""

_PATIENCE = 10.0
"""Seconds to wait for the lock: a killed run's processes need a moment to notice it."""


@contextlib.contextmanager
def claimed(out: Path, resume: bool) -> Iterator[None]:
    """Hold the run directory for this process; it is made if it does not exist.

    Raises InputError if it holds something and is not to be resumed, is no run, or is in use.
    """
    _require_usable(out, resume)
    with files.output_errors(str(out)):
        (out / STATE).mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / STATE / "lock")
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout as error:
        raise InputError(
            f"another process is training in {out}; wait for it or give another output path"
        ) from error
    try:
        yield
    finally:
        lock.release()


def require_same(out: Path, options: TrainOptions, fingerprint: str) -> None:
    """Write down what the run is asked to do, or check that it is what it was asked before.

    Raises InputError that names the first option that differs.
    """
    path = out / OPTIONS
    asked = json.loads(msgspec.json.encode(options)) | {_DATA: fingerprint}
    if not path.exists():
        text = json.dumps(asked, indent=2) + "\n"
        files.write_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}); train in another directory") from error
    name = differing_option(asked, before)
    if name == _DATA:
        raise InputError(
            f"the images of {options.data} are not those that the run in {out} began with; "
            "restore them or train in another directory"
        )
    if name is not None:
        raise InputError(
            f"the run in {out} has {name} = {_at(before, name)!r}, but is resumed with "
            f"{_at(asked, name)!r}; give the same options or train in another directory"
        )


def finish(out: Path) -> None:
    """Remove the training states of a run whose report is written."""
    shutil.rmtree(out / STATE, ignore_errors=True)


def _require_usable(out: Path, resume: bool) -> None:
    """Refuse a path that cannot become, or is not, this run's directory."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists and is no directory; give another output path")
    if not out.exists() or not any(out.iterdir()):
        return
    if not resume:
        raise InputError(
            f"{out} exists already; give another output path, or --resume to continue the run in it"
        )
    if not (out / OPTIONS).exists() and any(not _is_own(path) for path in out.iterdir()):
        raise InputError(
            f"{out} holds no training run ({OPTIONS} is missing); give the directory of one, or "
            "leave --resume out and give another output path"
        )


def _is_own(path: Path) -> bool:
    """Whether a run that was killed in its first moment may have left `path`."""
    return path.name == STATE or path.name.startswith(f".{OPTIONS}")


def _at(options: dict, name: str) -> object:
    """The value at a dotted name; None if it is not there."""
    value: object = options
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
