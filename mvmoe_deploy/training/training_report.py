"""What a run measured, as dataclasses and as `report.json`."""

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.router_health import StageHealth
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.system import files
from mvmoe_deploy.training.inventory import DataChange


@dataclass(frozen=True, kw_only=True)
class StartReport:
    """The checkpoint that a run started from."""

    checkpoint: str
    """Its path, as it was given."""
    sha256: str
    """Of the file, or over the files of a directory."""
    family: str
    weights: str | None
    """Which of several sets of the file; None where it has one."""
    notes: tuple[str, ...]
    """What was chosen, resampled or started fresh, one line each."""


@dataclass(frozen=True, kw_only=True)
class TrainedEpochs:
    """How long a phase was."""

    asked: int
    trained: int
    """Fewer where the patience ended it."""
    kept: int
    """The epoch that the checkpoint's weights are of: the last, or with a patience the best on the
    held-out images."""


@dataclass(frozen=True, kw_only=True)
class DenseReport:
    """The dense baseline; accuracies are between 0 and 1."""

    checkpoint: str
    test_accuracy: float
    """Of the test images, which nothing was chosen by."""
    held_out_accuracy: float
    """Of the images that progress, super-classes and a patience look at."""
    epochs: TrainedEpochs | None = None
    """None where it was trained before."""
    confusion: list[list[int]] | None
    """`[C][C]` counts held-out images: true class, then answer; None where answers are no classes.
    """


@dataclass(frozen=True, kw_only=True)
class RoutingReport:
    """One routed model; shares and accuracies are of the test split, between 0 and 1."""

    routing: str
    checkpoint: str
    test_accuracy: float
    """Of the test images, which nothing was chosen by."""
    held_out_accuracy: float
    """Of the images that progress, super-classes and a patience look at."""
    router_accuracy: float | None
    """Images whose router prefers their super-class, over all routers; None without a guide."""
    mean_gate: float | None
    """Mean gate of a selected expert; None where images have no routes."""
    route_usage: UsagePrior
    """For each routed stage the share of images of every route taken."""
    expert_usage: list[list[float]]
    """For each routed stage `[S][E]` the share of images that use each expert."""
    super_classes: list[list[str]] | None
    """Class names of each expert `[E]`; None without a guide."""
    class_to_expert: list[list[list[float]]]
    """`[S][C][E]`: share of the images that show each class and use each expert."""
    epochs: TrainedEpochs | None = None
    routers: list[StageHealth] = field(default_factory=list)
    """The verdict on the router of each stage, by the held-out and the test images together."""


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """A whole run. `seconds` are of each phase, interruptions left out."""

    data: str
    classes: list[str]
    images: dict[str, int]
    """Images of the splits `train`, `held_out` and `test`."""
    processes: int
    device: str
    measure: str
    """What accuracies are: `top-1`, or another kind's."""
    dense: DenseReport | None
    """None where the run started from a routed model that no dense one answers as."""
    routings: tuple[RoutingReport, ...]
    seconds: dict[str, float]
    data_changes: tuple[DataChange, ...] = ()
    """Changes of the images that the run was resumed with; figures are of the last images."""
    start: StartReport | None = None
    """What the run started from; None for random weights."""


@dataclass(frozen=True, kw_only=True)
class FinishedRun(TrainReport):
    """What `mvmoe train` prints: the report, and the directory `run` that holds everything."""

    run: str


def write_report(report: TrainReport, path: Path) -> None:
    """Write the report as JSON, in one step; raises OutputError if that is not possible."""
    text = msgspec.json.format(msgspec.json.encode(report), indent=1)
    files.write_file(path, lambda partial: partial.write_bytes(text + b"\n"))


def read_report(path: Path) -> TrainReport:
    """The report of a finished run; raises InputError if it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=TrainReport)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"{path} is no report of a training run ({error}); remove it and resume the run",
            code="resume.damaged",
            path=str(path),
        ) from error
