"""`manifest.json`: its fields and the limits of each. The JSON Schema is generated from here.

What one field alone cannot say (a route's experts exist, shapes fit together) is in
`consistency.py`; files are looked at in `integrity.py`.
"""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from mvmoe_deploy.preprocessing import Origin, Preprocessing, TrainedField
from mvmoe_deploy.routing import Route, Rule, UsagePrior
from mvmoe_deploy.routing.plain_data import rule_schemas

FORMAT: Final = "mvmoe-bundle"
VERSION: Final = 2
MANIFEST_FILE = "manifest.json"
MAX_BATCH = 4096
"""Images that one graph may take."""

IMAGE = "image"
"""The tensor that the input is, `[B, C, H, W]`."""

Routers = Literal["host", "in-graph"]
"""Who selects the routes of images: the host between two graphs, or the only graph itself."""

HOST: Final = "host"
IN_GRAPH: Final = "in-graph"

MAX_TENSORS = 64
"""Tensors that one stage may take, and that it may give."""

MAX_FINISHING = 1024
"""Routes of one stage on which an image is finished."""

MAX_OUTPUTS = 64
"""Outputs of a model."""

MAX_BOUND = 10_000
"""Weights that one graph may take as inputs, and tensors of one expert."""

RANGE_ALIGNMENT = 16_384
"""Where an expert's range may begin: at a page of any device, Apple's and Android's of 16 KiB."""

TENSOR_ALIGNMENT = 64
"""Where a tensor may begin inside of a range: at a line of any cache."""

# In Python `$` matches before a final line feed, in JSON Schema's dialect it does not; `(?!\n)`
# makes the two agree.
Name = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*$(?!\n)")
]
Text = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)")]
"""For people, without control characters: terminals obey some of them."""
RelativePath = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=r"^[A-Za-z0-9_./\-]+$(?!\n)")
]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Dimension = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Counts = Annotated[tuple[Count, ...], Meta(max_length=100_000)]
"""A count for each expert of a stage."""
DType = Literal["float32", "float16", "int64", "int32", "int8"]
PartName = Annotated[str, Meta(max_length=64, pattern=r"^[a-z][a-z0-9_-]*$(?!\n)")]
"""The name of a part of the toolchain, which is found by it (`mvmoe_deploy.part_lookup`)."""


# No arrays: msgspec 0.22 crashes where a union has one beside a text with a pattern.
OptionValue = Text | bool | int | float | None
"""An option of a target; several values of one option have commas between them."""


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The base of all parts of a manifest: immutable, and unknown fields are refused."""


class Model(_Record, frozen=True):
    """The model that was exported, and its size."""

    family: Text
    name: Text
    params_total: Count
    params_active: Count
    macs: Count


class Source(_Record, frozen=True):
    """Where the weights came from and what exported them.

    `weights` says which of several sets in the checkpoint they are. `input` says where the
    fields of the manifest's `input` come from; those that it leaves out, the model's code has set.
    """

    checkpoint_sha256: Sha256 | None
    packages: dict[Name, Text]
    weights: Text | None = None
    input: dict[TrainedField, Origin] = {}


class Stage(_Record, frozen=True):
    """One step of inference; its graphs take tensors of stages before it, and give new ones.

    `takes` has the tensor that each input of its graphs is, but for those that say the route;
    `image` is the one that no stage gives. `gives` has the tensor that each output is; each tensor
    is given once. `rule` turns the logits in the tensor `router` into the stage's route; by a rule
    that leaves the route to the caller alone there is no router. An image whose route is one of
    `finishes` is finished: it runs neither this stage nor those behind it.
    """

    name: Name
    rule: Rule | None
    router: Name | None
    takes: Annotated[dict[Name, Name], Meta(min_length=1, max_length=MAX_TENSORS)]
    gives: Annotated[dict[Name, Name], Meta(min_length=1, max_length=MAX_TENSORS)]
    finishes: Annotated[tuple[Route, ...], Meta(max_length=MAX_FINISHING)] = ()

    @property
    def routing(self) -> Rule:
        """The rule of a routed stage."""
        assert self.rule is not None
        return self.rule

    @property
    def first_route(self) -> Route:
        """The first route on which an image runs the stage; `()` for the stem."""
        if self.rule is None:
            return ()
        return next(route for route in self.rule.routes() if route not in self.finishes)


class Restriction(_Record, frozen=True):
    """What an export has fixed at one routed stage of the model, and the rule that it had there.

    `stage` counts the model's own routed stages from 1, those that are no stages any more among
    them. Either `route` is the route of every image: the stage is a part of the graph before it,
    which computes the gates. Or `kept` are the experts that the stage's rule still selects from.
    """

    stage: Annotated[int, Meta(ge=1, le=1000)]
    rule: Rule
    route: Route | None = None
    kept: Route | None = None


class Output(_Record, frozen=True):
    """One of the model's outputs, of a kind of `mvmoe_deploy.outputs`.

    `tensors` are those that it may be, in the order of the stages that give them: for an image it
    is the last one whose stage the image has run. `labels` are names of the kind's classes.
    """

    name: Name
    kind: PartName
    tensors: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=1000)]
    labels: Annotated[tuple[Text, ...], Meta(max_length=1_000_000)] | None = None


Factor = Annotated[float, Meta(ge=-1e6, le=1e6)]


class Pixels(_Record, frozen=True):
    """An input that takes an image as it is: the graph computes `pixel * scale + bias` itself.

    `scale` and `bias` have a number for each channel, in `channel_order`.
    """

    channel_order: Literal["RGB", "BGR", "L"]
    scale: Annotated[tuple[Factor, ...], Meta(min_length=1, max_length=3)]
    bias: Annotated[tuple[Factor, ...], Meta(min_length=1, max_length=3)]


class TensorSpec(_Record, frozen=True):
    """One input or output of a graph."""

    name: Name
    shape: Annotated[tuple[Dimension, ...], Meta(max_length=8)]
    dtype: DType
    pixels: Pixels | None = None


class Placement(_Record, frozen=True):
    """Where an engine would run a graph's nodes, as its own tool says when the graph is made.

    `partitions` are the pieces it takes; `outside` counts by operator the `nodes_outside` of them.
    `verdict` is the tool's overall rating, if it gives one.
    """

    engine: Name
    partitions: Count
    nodes_outside: Count
    outside: dict[Name, Count]
    nodes: Count | None = None
    verdict: Text | None = None


class BoundInput(_Record, frozen=True):
    """An input of a graph that is a weight: of the expert at `place` of the route, its `tensor`."""

    place: Annotated[int, Meta(ge=0, le=100_000)]
    tensor: Name


class Graph(_Record, frozen=True):
    """One static-shape program: a stage, and its route where the strategy has a graph per route.

    Of a graph that one expert has, and another graph joins with others, the expert is the route; of
    one that takes its experts' weights as inputs, the first experts of the length that it serves.
    `bound` are those inputs: what each is of the expert at which place of an image's route.
    `file` is a file, or a package: a directory of the target's files. `entry` is what the engine
    calls the graph where one file holds several. `weight_bytes` are the weights it reads;
    `exclusive_bytes` those of them that no other graph of its target reads.
    """

    name: Name
    stage: Annotated[int, Meta(ge=0, le=1000)]
    route: Route | None
    file: RelativePath
    weight_bytes: Count
    exclusive_bytes: Count
    inputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1, max_length=10_000)]
    outputs: Annotated[tuple[TensorSpec, ...], Meta(min_length=1, max_length=MAX_TENSORS)]
    entry: Name | None = None
    bound: Annotated[dict[Name, BoundInput], Meta(max_length=MAX_BOUND)] = {}
    placement: Annotated[tuple[Placement, ...], Meta(max_length=20)] = ()


class File(_Record, frozen=True):
    """A file of the bundle, its path relative to the bundle's root, with `/` between parts."""

    path: RelativePath
    bytes: Count
    sha256: Sha256


Share = Annotated[float, Meta(ge=0, le=1)]
Error = Annotated[float, Meta(ge=0, le=1e30)]
Relative = Annotated[float, Meta(gt=0, le=1)]


class VerifiedOutput(_Record, frozen=True):
    """How one output compared with PyTorch, over all images.

    `measure` says in words what `agreement` is, by the kind of the output; both are null for a kind
    that decides nothing. `max_rel_error` is relative to the largest reference value. `psnr_db` is
    null where nothing differs.
    """

    kind: PartName
    measure: Text | None
    agreement: Share | None
    max_abs_error: Error
    max_rel_error: Error
    rms_error: Error
    psnr_db: Annotated[float, Meta(ge=-1000, le=10_000)] | None


class VerifiedAccuracy(_Record, frozen=True):
    """How right answers to labelled images are, of PyTorch and of the target.

    The share of images whose best class is right; of boxes the mean average precision.
    `least_loss` and `most_loss` are the ends of a 95% interval of what the target loses, as shares:
    negative where it gains.
    """

    images: Count
    reference: Share
    target: Share
    least_loss: Annotated[float, Meta(ge=-1, le=1)]
    most_loss: Annotated[float, Meta(ge=-1, le=1)]

    @property
    def loss(self) -> float:
        """What the target loses, as a share."""
        return self.reference - self.target


class Verification(_Record, frozen=True):
    """How the target's graphs in a row compared with PyTorch, image by image.

    `router_error` and `answer_error` are the largest of any route, relative to the largest
    reference value; `outputs` are by name. `near_ties` are images whose route rounding may flip,
    `forced_routes` the routes that none of the images took.
    """

    images: Count
    routing_agreement: Share
    router_error: Error
    router_error_bound: Error
    answer_error: Error
    answer_error_bound: Error
    outputs: Annotated[dict[Name, VerifiedOutput], Meta(max_length=MAX_OUTPUTS)]
    near_ties: Count
    forced_routes: Count
    accuracy: VerifiedAccuracy | None = None
    """None where images had no labels."""


class Bounds(_Record, frozen=True):
    """How far a target's graphs may be from PyTorch; the defaults are those of any engine in fp32.

    Errors are relative to the largest reference value of what is compared: the logits of one
    router, an output of one route. `psnr_db` is the least peak signal-to-noise ratio of a route's
    outputs. `agreement` is the least share of what a route's images decide that is the same (the
    best class, the class of a pixel, a box), near-ties left out, `routing_agreement` that of images
    with the same route, near-ties of experts left out. The graphs of an ill-conditioned model may
    be off by `own_error_factor` times PyTorch's own fp32 error, up to `conditioned_error`. `reason`
    says why these numbers.
    """

    router_error: Relative = 1e-4
    answer_error: Relative = 1e-4
    psnr_db: Annotated[float, Meta(ge=0, le=1000)] = 90.0
    agreement: Share = 1.0
    routing_agreement: Share = 1.0
    own_error_factor: Annotated[float, Meta(ge=0, le=1e9)] = 8.0
    conditioned_error: Annotated[float, Meta(ge=0, le=1)] = 5e-3
    reason: Text = ""


class Parity(_Record, frozen=True):
    """What the export checked against PyTorch, and how near the graphs came."""

    graphs: Count
    max_abs_error: Error
    tolerance: Error
    verification: Verification | None = None


class Sizes(_Record, frozen=True):
    """Weights of a target by who needs them, each distinct content counted once.

    `shared_bytes` belong to no single expert. `expert_bytes` has a row for each routed stage, with
    the bytes of each expert's own weights; it is empty where graphs are not split by route.
    """

    distinct_bytes: Count
    shared_bytes: Count
    expert_bytes: Annotated[tuple[tuple[Count, ...], ...], Meta(max_length=1000)] = ()


class StoredTensor(_Record, frozen=True):
    """A tensor in the file `weights` of its target: little-endian, in C order from `offset` on.

    `offset` is from the beginning of the file.
    """

    offset: Count
    shape: Annotated[tuple[Dimension, ...], Meta(max_length=8)]
    dtype: DType


class ExpertWeights(_Record, frozen=True):
    """The weights of one expert: a range of the file `weights` of its target, and its tensors.

    The range begins at a multiple of 16,384, its tensors, inside of it, at multiples of 64. No two
    experts have bytes in common. Tensors are in the order in which a graph reads them.
    """

    offset: Count
    bytes: Count
    tensors: Annotated[dict[Name, StoredTensor], Meta(max_length=MAX_BOUND)]


class LeftLayer(_Record, frozen=True):
    """A layer that was not compressed: its operator, its weight's name, and why.

    `graph` has it; of graphs that differ in their weights alone it is the first.
    """

    graph: Name
    operator: Name
    layer: Text
    reason: Text


class Calibration(_Record, frozen=True):
    """The images by which a recipe has found the ranges of what layers take.

    `sha256` is that of their inputs. For each routed stage `routed` has how many of them took each
    expert, `forced` how many were sent to it besides because those were too few.
    """

    images: Count
    sha256: Sha256
    routed: Annotated[tuple[Counts, ...], Meta(max_length=1000)]
    forced: Annotated[tuple[Counts, ...], Meta(max_length=1000)]


class Compression(_Record, frozen=True):
    """What a recipe has done to the layers of a target's graphs.

    `weights` and `activations` are the numbers that layers store and compute in, `layers` says how
    many were compressed (of graphs that differ in their weights alone those of the first), `left`
    are the layers that were not. `plain_bytes` are the bytes that all distinct weights of the
    target would have without the recipe.
    """

    weights: Name
    activations: Name
    layers: Count
    left: Annotated[tuple[LeftLayer, ...], Meta(max_length=100_000)]
    plain_bytes: Count
    calibration: Calibration | None = None
    """None where no images were given."""
    smoothed: Count = 0
    """How many normalizations have moved outlier channels into the layers behind them."""


class Target(_Record, frozen=True):
    """The graphs of one target; `weights` is the file that they share, if it is one of its own.

    `format` says whose graphs they are: it finds the runner. `options` are all options of the
    target that made them (a profile, an opset, ...), `precision` the recipe of their numbers,
    `rewrites` what was done to the graphs. `routers` says who selects routes: the host between two
    graphs, or the only graph itself (`graph_stages.py`).
    """

    format: Name
    strategy: PartName
    precision: PartName
    batch: Annotated[int, Meta(ge=1, le=MAX_BATCH)]
    graphs: Annotated[tuple[Graph, ...], Meta(min_length=1, max_length=100_000)]
    weights: RelativePath | None
    files: Annotated[tuple[File, ...], Meta(min_length=1, max_length=200_000)]
    parity: Parity | None
    routers: Routers = HOST
    options: dict[Name, OptionValue] = {}
    rewrites: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    sizes: Sizes | None = None
    experts: Annotated[
        tuple[Annotated[tuple[ExpertWeights, ...], Meta(max_length=100_000)], ...],
        Meta(max_length=1000),
    ] = ()
    """The weights that graphs take as inputs: for each routed stage those of every expert."""
    bounds: Bounds = Bounds()
    compression: Compression | None = None
    """None where all weights are in the numbers that graphs compute in."""


class Golden(_Record, frozen=True):
    """The golden vectors: a safetensors file with `images` inputs and what PyTorch answers."""

    images: Annotated[int, Meta(ge=1, le=10_000)]
    file: File


class Manifest(_Record, frozen=True):
    """The whole of `manifest.json`."""

    format: Literal["mvmoe-bundle"]
    version: Literal[2]
    model: Model
    source: Source
    input: Preprocessing
    stages: Annotated[tuple[Stage, ...], Meta(min_length=1, max_length=1000)]
    outputs: Annotated[tuple[Output, ...], Meta(min_length=1, max_length=MAX_OUTPUTS)]
    targets: Annotated[dict[Name, Target], Meta(min_length=1, max_length=100)]
    usage_prior: UsagePrior | None
    golden: Golden
    restrictions: Annotated[tuple[Restriction, ...], Meta(max_length=1000)] = ()
    """What the export has fixed of the model's routing; by ascending stage."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The routing rules, one for each routed stage."""
        return tuple(stage.rule for stage in self.stages if stage.rule is not None)


def given_by(stages: Sequence[Stage]) -> dict[str, int]:
    """The index of the stage that gives each tensor."""
    return {tensor: index for index, stage in enumerate(stages) for tensor in stage.gives.values()}


def json_schema() -> dict[str, object]:
    """The published JSON Schema of this version; of the rules it has those that are built in."""
    rule, definitions = rule_schemas()
    (schema,), others = msgspec.json.schema_components(
        [Manifest], schema_hook=lambda _: rule, ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT} version {VERSION}",
        **schema,
        "$defs": others | definitions,
    }
