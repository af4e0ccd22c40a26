"""The lines of a results file: one JSON object a line, one measurement a line.

This is the contract between what measures (a device, perhaps a phone) and what reports. Here is
what any run writes; a measurement declares its own lines in its module (see `lines.py`). Times are
nanoseconds of a monotonic clock, sizes are bytes.
"""

from typing import Annotated, Any, Literal, TypedDict

import msgspec
from msgspec import Meta

from mvmoe_deploy.routing import Route, UsagePrior

SCHEMA = "mvmoe-bench"
VERSION = 1

Ns = Annotated[int, Meta(ge=0)]
Bytes = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
Routes = tuple[Route, ...]
"""One route for each routed stage; empty for a dense model."""
Thermal = Literal["none", "light", "moderate", "severe", "critical", "emergency", "shutdown"]
"""What Android calls the heat of a phone (`PowerManager.getCurrentThermalStatus`), from none on."""


class Record(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"
):
    """What all lines are: immutable, told apart by `kind`, strict about their fields."""

    def is_plausible(self) -> bool:
        """Whether it can be true by itself: time has passed, the parts of a sum add up to it."""
        return True

    def by_stage(self) -> list[tuple[object, ...]]:
        """All fields that have an entry for each routed stage."""
        return []


class JobRecord(Record, frozen=True):
    """A line that a job wrote."""

    job: str


class SubjectJobRecord(JobRecord, frozen=True):
    """A line that a job wrote of one subject."""

    subject: str
    """Its key."""


class RepeatRecord(SubjectJobRecord, frozen=True):
    """What was measured of one subject in one repeat."""

    repeat: Count


class RepeatFields(TypedDict):
    """The fields of a `RepeatRecord`, for lines that have more."""

    job: str
    subject: str
    repeat: int


class RecordPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What lines consist of."""


class Preset(RecordPart, frozen=True, omit_defaults=True):
    """How much is measured (see `planning/bench_presets.py`)."""

    name: str
    repeats: Count
    """Processes; each opens every subject again."""
    queries: Count
    """Rounds of a repeat at least; in a round every subject answers once."""
    seconds: float
    """What a repeat measures at least, if the queries take less."""
    most_seconds: float
    """A repeat ends here even if queries are left, once every query was asked once."""
    warmup: Count
    """Rounds before those, not kept."""
    starts: Count
    """Fresh processes of each subject for start and memory."""
    stream: Count
    """Images of the residency sequence; 0 for none."""
    cooldown: float
    """Seconds of rest before each process."""
    sustained: float = 0.0
    """Seconds that each dispatcher answers without a pause, at the end; 0 for not at all."""
    paced: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """Seconds that each dispatcher answers frames which come at `rate`, all repeats together; 0 for
    not at all."""
    rate: Annotated[float, Meta(ge=0.1, le=1000)] = 30.0
    """Frames a second for `paced`."""


class EngineChoice(RecordPart, frozen=True):
    """An engine and where it runs its graphs; None where an engine has no such choice."""

    engine: str
    """For people, with its version: `ONNX Runtime 1.31.1`."""
    provider: str | None = None
    """ONNX Runtime's execution provider, ExecuTorch's delegate, Core ML's compute units."""


class SubjectRecord(RecordPart, frozen=True):
    """One thing that is measured: a way to answer images, with one target of one bundle."""

    key: str
    """Its name in all other lines; unique in a run."""
    name: str
    """`dispatcher`, `bare`, `static`, `all-experts`, `gather`, `dense`, `eager`, `compile`, or a
    plug-in's."""
    bundle: str
    """The bundle whose model it answers with, by its name in the run."""
    target: str | None
    """The bundle's target whose engine it uses; None for PyTorch."""
    requested: EngineChoice
    threads: int


class BundleRecord(RecordPart, frozen=True):
    """What a report says of a bundle without having it."""

    name: str
    sha256: str
    """Of its manifest, which holds the hashes of all its files."""
    model: str
    family: str
    params_total: Count
    params_active: Count
    macs: Count
    experts: tuple[Count, ...]
    """Of each routed stage the number of its experts."""
    labels: tuple[str, ...] | None
    usage_prior: UsagePrior | None
    targets: dict[str, dict[str, Any]]
    """Of each target what `mvmoe inspect --json` says: sizes, parity, placement of its graphs."""
    chosen_stages: tuple[Count, ...] = ()
    """Routed stages (from 1) whose route only the caller chooses: their routes say nothing of a
    router."""
    constant_routes: dict[int, Route] = {}
    """Routes that the export has fixed, by the model's own number of the stage (from 1): those
    stages are none of the bundle's any more."""
    kept_experts: dict[int, Route] = {}
    """The experts that the export has left of a stage, in the same way."""


class InputRecord(RecordPart, frozen=True):
    """What the subjects were asked."""

    source: str
    """`digits`, a directory, or `synthetic`."""
    images: Count
    sha256: str
    """Of the preprocessed images."""
    forced: bool
    """True if routes were imposed to follow a distribution, whatever the router said."""
    distribution: dict[str, UsagePrior] | None
    """By bundle, the shares that were asked for (`--distribution`); None if none were."""
    order: str
    """How the sequence for residency was ordered: `name`, or `shuffled`."""


class Run(Record, tag="run", frozen=True):
    """The first line: what was measured, on what, how. Lines below belong to it."""

    schema: Literal["mvmoe-bench"]
    version: Literal[1]
    id: str
    started: str
    """UTC, ISO 8601."""
    device: str
    """`host`, `macos`, ...: which of the devices ran it."""
    identity: dict[str, Any]
    """What the device says of itself: see `identity.py`."""
    preset: Preset
    seed: int
    threads: int
    inputs: InputRecord
    bundles: tuple[BundleRecord, ...]
    subjects: tuple[SubjectRecord, ...]
    notes: tuple[str, ...] = ()
    """What was left out, and why, in a sentence each."""


class Resumed(Record, tag="resumed", frozen=True):
    """A killed run went on from here."""

    at: str
    load_average: tuple[float, ...] | None


class Laps(RecordPart, frozen=True):
    """Where one answer's time went; one entry a routed stage in the tuples."""

    stem: Ns
    select: tuple[Ns, ...]
    load: tuple[Ns, ...]
    """Finding the expert's graph in memory, or bringing it there."""
    expert: tuple[Ns, ...]
    rest: Ns
    """Copying the image in and the answer out."""

    def by_stage(self) -> list[tuple[object, ...]]:
        """The fields that have an entry for each routed stage."""
        return [self.select, self.load, self.expert]

    @property
    def total(self) -> int:
        """All of it."""
        return self.stem + sum(self.select) + sum(self.load) + sum(self.expert) + self.rest


class Advice(Record, tag="advice", frozen=True):
    """What the placement advisor thinks: always an estimate, never measured."""

    bundle: str
    target: str
    graph: str | None
    engine: str
    rule: str
    severity: Literal["info", "warning", "problem"]
    text: str
    """One sentence: what was found, and what to do."""
    reason: str
    source: str
    """Where the rule comes from: a public document, a thread, a measurement and its command."""


class Failure(JobRecord, tag="failure", frozen=True):
    """A subject, or a whole job, that failed; the others went on."""

    subject: str | None
    message: str
    code: str | None = None
    """Of docs/errors.md, where what failed has one."""


class Conditions(RecordPart, frozen=True):
    """How a phone is; what it does not say is None."""

    thermal_status: str | None = None
    """`none`, `light`, ...: how far it slows itself down."""
    celsius: float | None = None
    """Of its battery."""
    battery_level: int | None = None
    """Percent."""
    low_power: bool | None = None
    """Whether it saves power, at the cost of speed."""


class Done(JobRecord, tag="done", frozen=True):
    """A job ran to its end: a resumed run does not repeat it."""

    load_average: tuple[float, ...] | None
    conditions: Conditions | None = None
    """How the phone was then; None for a machine without battery and heat of its own."""
