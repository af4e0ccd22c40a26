"""The results of pieces: a small file each, which is all that the page is made of."""

import json
from pathlib import Path
from typing import Any

import msgspec

from evidence.cases import Piece
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system import files, output_places

_FORMAT = "mvmoe-evidence-1"


class Result(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What came of one model of one seed; accuracies are shares of the test images."""

    format: str = _FORMAT
    case: str
    size: str
    cell: str
    seed: int
    top1: float
    top1_at_start: float | None
    """Before any step of the routed phase: of a Union of Experts, as it was cut."""
    held_out_top1: float
    router_accuracy: float | None
    """Images whose router prefers their super-class; None without a guide."""
    expert_usage: list[list[float]]
    """For each routed stage the share of test images that use each expert."""
    super_classes: list[list[str]] | None
    agreement: float | None
    """Of super-classes with the data set's own groups of classes: the adjusted Rand index."""
    macs: int
    params_total: int
    params_active: int
    steps: dict[str, int]
    """Of all training up to this model, by phase."""
    settings: dict[str, Any]
    """Options of the training, the model's configuration among them."""
    seconds: dict[str, float]
    """On the wall by phase, interruptions left out; and of the process that ended the work: `wall`
    and `cpu`."""
    versions: dict[str, str]
    machine: str


class Latency(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What an answer of one model's bundle takes."""

    ms: float
    low: float | None
    high: float | None
    over_dense: float
    """Paired by round, on the wall; `low` and `high` of 95% over repeats."""
    over_dense_low: float | None
    over_dense_high: float | None
    cpu_over_dense: float | None
    """The same of the thread's CPU time, which other programs on the machine do not add to."""
    bundle_bytes: int


class Latencies(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One run of `mvmoe bench` with the bundles of all models of a size."""

    format: str = _FORMAT
    case: str
    size: str
    seed: int
    """Whose weights were exported."""
    cells: dict[str, Latency]
    repeats: int
    started: str
    load_average: float | None
    versions: dict[str, str]
    machine: str


class Subject(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A model of one family on one engine, as `mvmoe bench` saw it."""

    model: str
    target: str
    macs: int
    params_total: int
    params_active: int
    graphs: int
    bundle_bytes: int
    partitions: int | None
    """Pieces that the engine's delegate takes of the graphs of one answer."""
    nodes_outside: int | None
    ms: float
    low: float | None
    high: float | None
    over_dense: float
    over_dense_low: float | None
    over_dense_high: float | None
    resident_one: float | None
    """Bytes that a process holds more with it than without, one route resident."""
    resident_all: float | None
    """The same with all of them."""


class Bench(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Models of all families of equal active multiply-accumulates, on two engines."""

    format: str = _FORMAT
    subjects: list[Subject]
    repeats: int
    started: str
    load_average: float | None
    versions: dict[str, str]
    machine: str


class Results:
    """A folder of results: `CASE/SIZE/CELL.seed-N.json`, `CASE/SIZE/latency.json`, `bench.json`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, piece: Piece) -> Result | None:
        """The result of a piece; None if there is none yet. Raises InputError for another file."""
        found: Result | None = _read(self._path(piece), Result)
        return found

    def put(self, piece: Piece, result: Result) -> None:
        """Write the result of a piece in one step."""
        _write(self._path(piece), result)

    def latencies(self, case: str, size: str) -> Latencies | None:
        """As `of`, of the latencies of a size."""
        found: Latencies | None = _read(self.folder / case / size / "latency.json", Latencies)
        return found

    def put_latencies(self, found: Latencies) -> None:
        """As `put`."""
        _write(self.folder / found.case / found.size / "latency.json", found)

    def bench(self) -> Bench | None:
        """As `of`, of the table of `mvmoe bench`."""
        found: Bench | None = _read(self.folder / "bench.json", Bench)
        return found

    def put_bench(self, found: Bench) -> None:
        """As `put`."""
        _write(self.folder / "bench.json", found)

    def _path(self, piece: Piece) -> Path:
        return self.folder / f"{piece.name}.json"


def _write(path: Path, found: msgspec.Struct) -> None:
    # A line for each field: small, and readable where results differ.
    plain: dict[str, Any] = msgspec.to_builtins(found)
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in plain.items()]
    text = ("{\n" + ",\n".join(lines) + "\n}\n").encode()
    files.write_file(path, lambda partial: partial.write_bytes(text), _foreign)


_foreign = output_places.foreign_without([_FORMAT.encode()], "result of the evidence")


def _read(path: Path, kind: Any) -> Any:
    """A file as a struct; None if there is none."""
    if not path.exists():
        return None
    try:
        found = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise _unusable(path, str(error)) from error
    if found.format != _FORMAT:
        raise _unusable(path, f"its format is {found.format}")
    return found


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is no result of the evidence ({reason}); remove it, and it is made again",
        code="resume.damaged",
        path=str(path),
    )
