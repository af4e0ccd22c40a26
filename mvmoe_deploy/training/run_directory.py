"""The directory of a run: who may write in it, what it was asked to do, when it is finished.

options.json  images.jsonl  metrics.jsonl  dense/  <routing>/  class_to_expert.png  report.json
state/        while the run is under way: the training state of each phase and a lock
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from filelock import FileLock, Timeout

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.preprocessing.screening import first_names
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.text import quoted
from mvmoe_deploy.training.inventory import DataChange, Inventory, foreign_to_inventory
from mvmoe_deploy.training.state import OWNERS, foreign_to_state
from mvmoe_deploy.training.survey import Survey
from mvmoe_deploy.training.train_options import TrainOptions, differing_option
from mvmoe_deploy.training.training_report import read_report

OPTIONS, IMAGES, STATE, REPORT = "options.json", "images.jsonl", "state", "report.json"

LOCK = "lock"
FORMAT = "mvmoe-training-run"
"""What `options.json` says of itself, so that it is not confused with another program's."""

_MAX_OPTIONS_BYTES = 16 * 2**20

_LOCK_SECONDS = 10.0
"""Seconds to wait for the lock: a killed run's processes need a moment to notice it."""


@contextlib.contextmanager
def locked_run_directory(out: Path, resume: bool) -> Iterator[None]:
    """Hold the run directory for this process; it is made if it does not exist.

    A run that does not begin, because something is wrong, leaves nothing; of one that is finished
    the training states are removed.

    Raises InputError if it holds something and is not to be resumed, is no run, or is in use.
    """
    _require_usable(out, resume)
    made = not out.exists()
    lock = _locked(out)
    try:
        yield
    finally:
        if not (out / OPTIONS).exists():
            _remove_traces(out, made)
        elif _finished(out):
            _remove_states(out)
        lock.release()


def _locked(out: Path) -> FileLock:
    """The lock of a run directory, held; raises InputError if another process holds it."""
    lock = FileLock(out / STATE / LOCK)
    while True:
        with output_places.output_errors(str(out), after="nothing was trained"):
            (out / STATE).mkdir(parents=True, exist_ok=True)
            # The process that held it may just have removed it; then begin again.
            with contextlib.suppress(FileNotFoundError):
                _acquire(lock, out)
                if (out / STATE / LOCK).exists():
                    return lock
                lock.release()


def _acquire(lock: FileLock, out: Path) -> None:
    """Hold a lock; raises InputError if another process still does after `_LOCK_SECONDS`."""
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout as error:
        raise InputError(
            f"another process is training in {out}; wait for it or give another output path",
            code="output.busy",
            path=str(out),
        ) from error


def _finished(out: Path) -> bool:
    """Whether the run's report is there; another file of that name does not count."""
    with contextlib.suppress(InputError):
        read_report(out / REPORT)
        return True
    return False


def require_same(
    out: Path, options: TrainOptions, classes: tuple[str, ...], start: str | None = None
) -> None:
    """Check that a run that was begun has the same options; raises InputError that names one.

    `start` is the SHA-256 of the checkpoint that the run starts from. Does nothing for a run that
    is new.
    """
    if not os.path.lexists(out / OPTIONS):
        return
    before = _read_options(out / OPTIONS)
    _require_same_classes(out, classes)
    asked = _plain(options, start)
    _require_same_start(out, options, asked, before)
    name = differing_option(asked, before)
    if name is not None:
        raise InputError(
            f"the run in {out} has {name} = {_at(before, name)!r}, but is resumed with "
            f"{_at(asked, name)!r}; give the same options or train in another directory",
            code="resume.mismatch",
            name=name,
            expected=quoted(_at(before, name)),
            found=quoted(_at(asked, name)),
        )


def _require_same_start(
    out: Path, options: TrainOptions, asked: dict[str, Any], before: dict[str, Any]
) -> None:
    """Refuse a checkpoint with other bytes than the one that the run started from."""
    was, given = before.get("start"), asked.get("start")
    if was is None or given is None or was == given:
        return
    raise InputError(
        f"checkpoint {options.start} is not the one that the run in {out} started from (its "
        "SHA-256 is another); restore that file, or train in another directory",
        code="resume.mismatch",
        name="start",
        expected=quoted(was),
        found=quoted(given),
    )


def known_images(out: Path) -> Inventory | None:
    """The images that the run in `out` was begun with; None for a run that is new.

    Raises InputError if they cannot be read.
    """
    return Inventory.read(out / IMAGES) if (out / OPTIONS).exists() else None


def accepted_images(
    out: Path, found: Survey, before: Inventory | None, accept: bool, at: tuple[str, int]
) -> Inventory:
    """The images to go on with: those that were found, in the splits they had `before`.

    A change is added to the record, with phase and finished epochs in `at`. Raises InputError
    that says what changed unless `accept` is set, or if it may not be accepted, and ImageError for
    images that cannot be read.
    """
    now = found.images
    if before is None:
        found.require_readable()
        return now
    if now.pixels != before.pixels:
        raise InputError(
            f"the images are not those that the run in {out} was begun with; train in another "
            "directory",
            code="resume.mismatch",
            name="pixels",
        )
    going_on, difference = now.with_splits_of(before), now.difference(before)
    if not difference:
        return going_on
    if not accept:
        errors = found.errors
        broken = f"; {len(errors):,} cannot be read ({first_names(errors)})" if errors else ""
        raise InputError(
            f"the images are not those that the run in {out} was begun with: {difference}{broken}; "
            "restore them, or give --accept-changed-data to go on with the images as they are",
            code="resume.data-changed",
            path=str(out),
            found=str(difference),
        )
    found.require_readable()
    change = DataChange.of(difference, *at)
    return dataclasses.replace(going_on, changes=(*before.changes, change))


def record_start(
    out: Path, options: TrainOptions, images: Inventory, start: str | None = None
) -> None:
    """Write down what the run is asked to do and on which images; raises OutputError.

    `start` is the SHA-256 of the checkpoint that the run starts from.

    The options come last: where they are, everything is.
    """
    images.write(out / IMAGES)
    if (out / OPTIONS).exists():
        return
    text = json.dumps(_plain(options, start), indent=2) + "\n"
    files.write_file(out / OPTIONS, lambda partial: partial.write_text(text, encoding="utf-8"))


def _remove_states(out: Path) -> None:
    """Remove what a run keeps for the next one; what others put beside it stays."""
    folder = out / STATE
    with contextlib.suppress(OSError):
        files.sweep(folder)
        for path in folder.iterdir():
            ours = path.name in (LOCK, OWNERS) or foreign_to_state(path) is None
            if ours and path.is_file() and not path.is_symlink():
                path.unlink()
        folder.rmdir()


def _read_options(path: Path) -> dict[str, Any]:
    """What a run was asked before; raises InputError for a file that says no such thing."""
    try:
        before = json.loads(output_places.head(path, _MAX_OPTIONS_BYTES) or b"")
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged ({error}); train in another directory",
            code="resume.damaged",
            path=str(path),
        ) from error
    if not isinstance(before, dict) or before.get("format") != FORMAT:
        raise InputError(
            f"{path} was not written by a training run of this release; train in another directory",
            code="resume.damaged",
            path=str(path),
        )
    return before


def _remove_traces(out: Path, made: bool) -> None:
    """Remove what belongs to a run that has not begun, and the directory if it was made for it."""
    _remove_states(out)
    if (out / IMAGES).is_file() and foreign_to_inventory(out / IMAGES) is None:
        (out / IMAGES).unlink()
    if made:
        with contextlib.suppress(OSError):  # Something else is in it by now.
            out.rmdir()


def _require_usable(out: Path, resume: bool) -> None:
    """Refuse a path that cannot become, or is not, this run's directory."""
    if out.is_symlink():
        raise InputError(
            f"{out} is a symbolic link; give the path of the directory itself",
            code="output.not-replaceable",
            path=str(out),
        )
    if out.exists() and not out.is_dir():
        raise InputError(
            f"{out} exists and is no directory; give another output path",
            code="output.not-replaceable",
            path=str(out),
        )
    if not out.exists() or not any(out.iterdir()):
        return
    if not resume:
        raise InputError(
            f"{out} exists already; give another output path, or --resume to continue the run in "
            "it",
            code="output.exists",
            path=str(out),
        )
    if os.path.lexists(out / OPTIONS):
        _read_options(out / OPTIONS)
    elif any(not _is_own(path) for path in out.iterdir()):
        raise InputError(
            f"{out} holds no training run ({OPTIONS} is missing); give the directory of one, or "
            "leave --resume out and give another output path",
            code="output.foreign",
            path=str(out),
        )


def _require_same_classes(out: Path, classes: tuple[str, ...]) -> None:
    """Refuse images of other classes than the model was begun with: its answers mean those."""
    before = Inventory.read(out / IMAGES).classes
    if classes == before:
        return
    more = [name for name in classes if name not in before]
    fewer = [name for name in before if name not in classes]
    changes = [
        f"{len(names)} {what} ({', '.join(map(repr, names[:3]))}{', ...' * (len(names) > 3)})"
        for names, what in ((more, "more"), (fewer, "fewer"))
        if names
    ]
    raise InputError(
        f"the images have other classes than those that the run in {out} was begun with: "
        f"{', '.join(changes) or 'another order'}; restore the class folders of train/, or train "
        "in another directory",
        code="resume.mismatch",
        name="classes",
        expected=list(before),
        found=list(classes),
    )


def _is_own(path: Path) -> bool:
    """Whether a run that was killed in its first moment may have left `path`."""
    if path.name == STATE and path.is_dir() and not path.is_symlink():
        return all(inner.name == LOCK for inner in path.iterdir())
    if path.name == IMAGES:
        return path.is_file() and foreign_to_inventory(path) is None
    return path.name.startswith((f".{OPTIONS}.", f".{IMAGES}."))


def _plain(options: TrainOptions, start: str | None) -> dict[str, Any]:
    """The options as JSON has them; a checkpoint by its hash, since its path may change."""
    fields = json.loads(msgspec.json.encode(options))
    return {"format": FORMAT, "family": options.config.family, **fields, "start": start}


def _at(options: dict[str, Any], name: str) -> object:
    """The value at a dotted name; None if it is not there."""
    value: object = options
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
