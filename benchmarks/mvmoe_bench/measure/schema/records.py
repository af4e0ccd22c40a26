"""The lines of a results file: one JSON object a line, one measurement a line.

This is the contract between what measures (a device, perhaps a phone) and what reports. The JSON
Schema in `docs/results.schema.json` is generated from here; `docs/benchmarking.md` explains it.
Times are nanoseconds of a monotonic clock, sizes are bytes.
"""

from typing import Annotated, Any, Literal

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
MemoryKind = Literal["own", "RSS", "footprint"]
"""`own`: anonymous memory and the distinct pages of the bundle's files that the process maps, which
no other process changes (see `memory.py`). `RSS`: the resident set, shared libraries included.
`footprint`: what macOS and iOS charge a process for."""


class Record(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"
):
    """What all lines are: immutable, told apart by `kind`, strict about their fields."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What lines consist of."""


class Preset(Part, frozen=True):
    """How much is measured (see `planning/presets.py`)."""

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


class EngineChoice(Part, frozen=True):
    """An engine and where it runs its graphs; None where an engine has no such choice."""

    engine: str
    """For people, with its version: `ONNX Runtime 1.31.1`."""
    provider: str | None = None
    """ONNX Runtime's execution provider, ExecuTorch's delegate, Core ML's compute units."""


class SubjectRecord(Part, frozen=True):
    """One thing that is measured: a way to answer images, with one target of one bundle."""

    key: str
    """Its name in all other lines; unique in a run."""
    name: str
    """`dispatcher`, `static`, `all-experts`, `gather`, `dense`, `eager`, `compile`, a plug-in's."""
    bundle: str
    """The bundle whose model it answers with, by its name in the run."""
    target: str | None
    """The bundle's target whose engine it uses; None for PyTorch."""
    requested: EngineChoice
    threads: int


class BundleRecord(Part, frozen=True):
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


class InputRecord(Part, frozen=True):
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


class Opened(Record, tag="opened", frozen=True):
    """A subject was made ready in the process of a repeat, and which engine it really got."""

    job: str
    subject: str
    repeat: Count
    actual: EngineChoice
    open_ns: Ns


class Answer(Record, tag="answer", frozen=True):
    """What a subject answered to an image, once a run; says which route images take."""

    job: str
    subject: str
    image: Count
    name: str
    label: str | None
    """The true class if it is known."""
    routes: Routes | None
    """What the router said; None for subjects that do not tell."""
    answer: Count
    """The class with the highest logit."""
    max_abs_error: float | None
    """From the reference's class logits (see `reference` of docs/benchmarking.md)."""


class Laps(Part, frozen=True):
    """Where one answer's time went; one entry a routed stage in the tuples."""

    stem: Ns
    select: tuple[Ns, ...]
    load: tuple[Ns, ...]
    """Finding the expert's graph in memory, or bringing it there."""
    expert: tuple[Ns, ...]
    rest: Ns
    """Copying the image in and the answer out."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.stem + sum(self.select) + sum(self.load) + sum(self.expert) + self.rest


class Sample(Record, tag="sample", frozen=True):
    """One warm answer."""

    job: str
    subject: str
    repeat: Count
    round: Count
    position: Count
    """The place of the subject's turn in its round."""
    image: Count
    routes: Routes | None
    """The route that the image took; None for subjects that do not tell."""
    forced: bool
    """True if the route was imposed."""
    ns: Ns
    cpu_ns: Ns | None
    """What the calling thread computed meanwhile; None where a device does not say."""
    laps: Laps | None = None
    """Of one more call, right after the timed one; None for subjects without parts."""


class Start(Record, tag="start", frozen=True):
    """A process of its own, from its start to its first answer."""

    job: str
    subject: str
    repeat: Count
    process_ns: Ns
    """From the start of the process to the first line of its own code."""
    engine_import_ns: Ns
    code_import_ns: Ns
    parse_ns: Ns | None
    """Reading and checking the manifest; None for subjects without a bundle."""
    hash_ns: Ns | None
    """Comparing files with their hashes."""
    open_ns: Ns
    """Opening the engine and loading what every image needs."""
    first_ns: Ns
    """The first answer; loads the first expert."""
    first_laps: Laps | None

    @property
    def ready(self) -> int:
        """From opening it to its first answer: what an application waits for."""
        return (self.parse_ns or 0) + (self.hash_ns or 0) + self.open_ns + self.first_ns

    @property
    def python(self) -> int:
        """Before that: starting Python and importing modules, the engine's among them."""
        return self.process_ns + self.engine_import_ns + self.code_import_ns


class GraphLoad(Record, tag="load", frozen=True):
    """A graph that came into memory, in a fresh process."""

    job: str
    subject: str
    repeat: Count
    graph: str
    stage: Count
    route: Route | None
    load_ns: Ns
    first_ns: Ns | None
    """Its first run; None if it was not run by itself."""
    warm_ns: Ns | None
    """Its second run."""


class Held(Part, frozen=True):
    """What a process held at one moment."""

    total: Bytes
    """The sum of the parts, where they are told apart."""
    anonymous: Bytes | None
    """Heap, stacks, written copies of a file's pages, shared memory, swap; None if not told
    apart."""
    bundle_files: Bytes | None
    """Pages of the subject's own files that it maps, each counted once, whoever else maps them."""


class Memory(Record, tag="memory", frozen=True):
    """What a process of its own held."""

    job: str
    subject: str
    repeat: Count
    memory_of: MemoryKind
    budget: Count | None
    """Experts that might be resident in each routed stage; None for all, or where none are."""
    base: Held
    """With engine and code imported, before anything was opened."""
    loaded: Held
    """After its images were answered."""
    peak_rss: Bytes | None
    """The largest resident set the process ever had, shared libraries included."""
    released: Held
    """After everything was closed."""


class StreamSample(Record, tag="stream", frozen=True):
    """One answer of the residency sequence: no repetition, images one after the other."""

    job: str
    subject: str
    repeat: Count
    budget: Count
    """Experts that might be resident in each routed stage."""
    number: Count
    """Position in the sequence."""
    image: Count
    routes: Routes
    cold: tuple[bool, ...]
    """By routed stage: whether the expert's graph had to be loaded."""
    switched: tuple[bool, ...]
    """By routed stage: whether the image before took another route."""
    ns: Ns
    laps: Laps


class Yardstick(Record, tag="yardstick", frozen=True):
    """The machine's own speed in the middle of the measurements: one single-precision matmul."""

    job: str
    repeat: Count
    round: Count
    flop: Count
    ns: Ns


class Overhead(Record, tag="overhead", frozen=True):
    """What timing itself costs: the median of many calls that do nothing."""

    job: str
    repeat: Count
    ns: Ns
    n: Count


class Placement(Record, tag="placement", frozen=True):
    """Where an engine puts the operators of a graph, as the engine itself says on this device."""

    job: str
    subject: str
    graph: str
    by_unit: dict[str, Count]
    """Operators by unit: `neural_engine`, `gpu`, `cpu`, or providers' names."""
    cost_by_unit: dict[str, float] | None
    """Share of the estimated cost by unit, where the engine estimates it."""
    outside: dict[str, Count]
    """Operator types that are not on the preferred unit, with their number."""


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


class Failure(Record, tag="failure", frozen=True):
    """A subject, or a whole job, that failed; the others went on."""

    job: str
    subject: str | None
    message: str


class Done(Record, tag="done", frozen=True):
    """A job ran to its end: a resumed run does not repeat it."""

    job: str
    load_average: tuple[float, ...] | None


Line = (
    Run
    | Resumed
    | Opened
    | Answer
    | Sample
    | Start
    | GraphLoad
    | Memory
    | StreamSample
    | Yardstick
    | Overhead
    | Placement
    | Advice
    | Failure
    | Done
)
"""Any line of a results file."""


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of one line of this version."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{SCHEMA} version {VERSION}, one line",
        **msgspec.json.schema(Line),
    }
