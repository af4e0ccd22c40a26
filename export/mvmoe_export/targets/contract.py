"""The contract of a target: stages in, graphs of one format out.

Importing this module, or the package of a target, imports neither PyTorch nor an engine: the
command line asks targets for their options before anything is exported.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Self,
    TypeVar,
    get_args,
    get_origin,
)

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import choices_text, quoted
from mvmoe_export.compression.contract import FLOAT32, Activation, NumberTypes, Recipe
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.graph_operators import ReadGraph
from mvmoe_export.graph_taps import GraphTap

if TYPE_CHECKING:
    from mvmoe_export.calibration import CalibrationRun
    from mvmoe_export.stages import Stages

Records = dict[str, manifest.Target]
"""The manifest's record of what was written, by the name it has in the bundle."""


class TargetOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller may choose of a target: one field an option.

    Of each field the type says what is possible (`Literal`, or `msgspec.Meta` with `ge` and `le`;
    of the name of a part `Meta(extra={"allowed": ...})` with its `AllowedParts`), and
    `msgspec.Meta(description=...)` what it is. From these come the flags of `mvmoe export`:
    the field `bar` of the target `foo` is `--foo-bar`, and a field of several values is given
    several times. Raises InputError for a value that its field does not allow.
    """

    target: ClassVar[str]
    """The name of the target, for messages."""

    def __post_init__(self) -> None:
        for option in msgspec.structs.fields(self):
            _require_allowed(self.target, option, getattr(self, option.name))

    @property
    def copies(self) -> int:
        """How often each graph is written: once, or for each of several engines."""
        return 1

    def recorded(self) -> dict[str, manifest.OptionValue]:
        """Every option as a manifest holds it: several values with commas between them."""
        options: dict[str, Any] = msgspec.to_builtins(self)
        return {name: _recorded(value) for name, value in options.items()}

    @classmethod
    def of_record(cls, recorded: Mapping[str, Any], *, plugins: bool = True) -> Self:
        """The options that were recorded in a manifest; raises InputError for others.

        With `plugins=False` parts of other distributions that it names are refused, not imported.
        """
        for option in msgspec.structs.fields(cls):
            allowed = _allowed(option.type)
            if allowed is not None and option.name in recorded:
                allowed.find(str(recorded[option.name]), plugins=plugins)
        several = {option.name for option in msgspec.structs.fields(cls) if is_tuple(option.type)}
        options = {
            name: str(value).split(",") if name in several else value
            for name, value in recorded.items()
        }
        try:
            return msgspec.convert(options, cls, strict=False)
        except msgspec.ValidationError as error:
            raise InputError(
                f"the options {quoted(str(dict(recorded)))} of the target {cls.target} cannot be "
                f"used ({error}); export the bundle again",
                code="input.option",
                name="options",
                given=str(dict(recorded)),
            ) from error


Options = TypeVar("Options", bound=TargetOptions)


def plain_type(declared: Any) -> Any:
    """The type of a field without its `Annotated`."""
    return plain_type(get_args(declared)[0]) if hasattr(declared, "__metadata__") else declared


def is_tuple(declared: Any) -> bool:
    """Whether a field takes several values."""
    return get_origin(plain_type(declared)) is tuple


def description(declared: Any) -> str:
    """What a field's `msgspec.Meta` says that it is."""
    notes = getattr(declared, "__metadata__", ())
    return next((note.description for note in notes if getattr(note, "description", "")), "")


class AllowedParts(Protocol):
    """The names of the parts that a field allows: `Meta(extra={"allowed": ...})`."""

    def __contains__(self, name: object) -> bool:
        """Whether it is installed and allowed; imports that part alone."""

    def __iter__(self) -> Iterator[str]:
        """All of them, in order."""

    def find(self, name: str, *, plugins: bool) -> object:
        """The part; raises InputError if it is a plug-in's and those are not allowed."""


def _allowed(declared: Any) -> AllowedParts | None:
    """The names of parts that a field allows; None if it is not such a field."""
    extras = [getattr(note, "extra", None) or {} for note in getattr(declared, "__metadata__", ())]
    return next((extra["allowed"] for extra in extras if "allowed" in extra), None)


def _recorded(value: Any) -> manifest.OptionValue:
    """A value of an option, as a manifest holds it."""
    recorded: manifest.OptionValue = value
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else recorded


def _require_allowed(target: str, option: msgspec.structs.FieldInfo, value: Any) -> None:
    """Refuse a value that its field does not allow; raises InputError."""
    name = f"the {target} {option.name.replace('_', ' ')}"
    if is_tuple(option.type):
        _require_distinct(name, value)
    allowed = _allowed(option.type)
    try:
        msgspec.convert(msgspec.to_builtins(value), option.type)
        if allowed is not None and value not in allowed:
            raise msgspec.ValidationError("it names no part that is allowed here")
    except (msgspec.ValidationError, TypeError) as error:
        shown = value if isinstance(value, int | float) else quoted(str(_recorded(value)))
        raise InputError(
            f"{name} is {shown}; {_expected(option.type, value, error)}",
            code="input.option",
            name=name,
            given=str(shown),
        ) from error


def _require_distinct(name: str, values: Sequence[Any]) -> None:
    """Refuse values that a manifest cannot hold side by side; raises InputError."""
    if not values or len(set(values)) < len(values):
        raise InputError(
            f"{name} was given as {list(values)}; give at least one value, each once",
            code="input.option",
            name=name,
            given=str(list(values)),
        )
    if any("," in str(value) for value in values):
        raise InputError(
            f"{name} was given as {list(values)}; give values without a comma",
            code="input.option",
            name=name,
            given=str(list(values)),
        )


def _expected(declared: Any, value: Any, error: Exception) -> str:
    """What a field allows, with the name nearest to a wrong one."""
    known = [str(choice) for choice in choices(declared)]
    if known:
        return choices_text(value, known, "give one of")
    notes = getattr(declared, "__metadata__", ())
    limits = [(note.ge, note.le) for note in notes if None not in (note.ge, note.le)]
    if limits:
        return f"give {limits[0][0]} to {limits[0][1]}"
    return f"it cannot be used: {error}"


def choices(declared: Any) -> tuple[Any, ...]:
    """The values of a field that is a `Literal`, a tuple of them, or the name of a part."""
    if (allowed := _allowed(declared)) is not None:
        return tuple(allowed)
    declared = plain_type(declared)
    if is_tuple(declared):
        return choices(get_args(declared)[0])
    return get_args(declared) if get_origin(declared) is Literal else ()


def _ignore(_: str) -> None:
    """Progress that is not shown."""


@dataclass(frozen=True)
class ExportOptions:
    """What a caller may choose."""

    rewrites: tuple[str, ...] | None = None
    """The rewrites to apply, in order; None leaves it to the targets, `()` is the naive export."""
    targets: Mapping[str, TargetOptions] = field(default_factory=dict)
    """Options of single targets by the target's name, of the class that it documents."""
    identity: Mapping[str, str] = field(default_factory=dict)
    """For formats with a place for it: name, author, license, description, version."""
    labels: tuple[str, ...] | None = None
    calibration: "CalibrationRun | None" = None
    """What stages took for calibration images, if some were given."""
    progress: Callable[[str], None] = _ignore
    """Called with a graph's name when it was written."""

    def of(self, target: str, default: type[Options]) -> Options:
        """The options of one target, or its defaults.

        Raises InputError if they are of another class than the default.
        """
        given = self.targets.get(target)
        if given is None:
            return default()
        if not isinstance(given, default):
            raise InputError(
                f"options of the target {target} are a {type(given).__name__}; give its "
                f"{default.__name__}",
                code="input.option",
                name="options",
                given=type(given).__name__,
                expected=default.__name__,
            )
        return given


class TargetJob(Protocol):
    """A target at work, perhaps in another process."""

    def ready(self) -> bool:
        """Whether `finish` would not wait for another process."""

    def finish(self) -> Records:
        """Wait for it; the parity report of the records is still open."""

    def cancel(self) -> None:
        """Stop it and wait until it has stopped; does nothing once it has finished."""


class TargetPart(Protocol):
    """A format with its engine.

    One without `require` and `room` is taken as able to do all, one without `bounds` as no further
    off than others; without `engines` nothing is known of what runs its graphs, and without
    `read_operators` their operators are not: those that are in a delegate's own form cannot be.
    Without `tap` it is told which of its graphs is at fault, and not which operator.

    Invariants:

    - `start` returns in less than a second; several targets work side by side, and finish in any
      order.
    - A target writes only below `root / name`, and into `scratch`, which is removed afterwards.
    - A target with `reads_captured = True` reads the captured programs
      (`mvmoe_export.captured.write_captured`), which an export writes before it starts the first
      such target: capturing takes seconds, and is done once for all of them.
    - Every graph of every stage is in each of its records, under its own name and route.
    - Every option is in each of its records (`TargetOptions.recorded`).
    - A tensor that several graphs read is stored once, as far as the format can.
    - A target with `binds = True` stores the weights that graphs take as inputs
      (`GraphSpec.bound`), and lists them in its record; others are not given such stages.
    - Router logits and answers leave the graphs in fp32; no graph selects a route.
    - The same stages and options give the same bytes.
    """

    name: str
    extra: str
    """The extra of the distribution that its engine comes with."""
    options: type[TargetOptions]
    packages: tuple[str, ...]
    """The distributions that make its graphs; their versions are in the manifest."""
    bounds: Mapping[Activation, manifest.Bounds]
    """What is allowed where its engine may be further off than a recipe alone says, by what its
    graphs compute in; without an entry, the recipe's bounds are those of the target."""
    engines: tuple[EngineFacts, ...]
    """What runs its graphs; the first whose options were chosen is what they are shaped for."""

    def read_operators(self, root: Path, file: str) -> ReadGraph:
        """What gives the operators of the graphs in a file of the bundle at `root`.

        Raises BundleError for a file that cannot be read, MissingExtraError without the package
        that reads it.
        """

    def tap(self, root: Path, record: manifest.Target, graph: manifest.Graph) -> GraphTap | None:
        """A graph of the bundle at `root`, opened to give values from its inside.

        None if that is not possible with what the record says of it. Raises BundleError for a file
        that cannot be read, MissingExtraError without the package that reads it.
        """

    def require(self, stages: "Stages", options: ExportOptions) -> None:
        """Refuse what is known to fail: called for every target before the first one starts.

        Raises InputError for options that it cannot serve, MissingExtraError for a package that
        the work or the check of its graphs needs. Takes no time.
        """

    def room(self, stages: "Stages", options: ExportOptions) -> int:
        """Bytes that it surely needs below `root` and `scratch` together, at its peak.

        With `reads_captured` the weights of the captured programs are among them: an export counts
        those once for all such targets.
        """

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> TargetJob:
        """Start to write all graphs; raises InputError for options that it cannot serve."""


@dataclass(frozen=True)
class InlineJob:
    """Work that is done when it is asked for, in this process."""

    work: Callable[[], Records]

    def ready(self) -> bool:
        """It waits for no other process."""
        return True

    def finish(self) -> Records:
        """Do it."""
        return self.work()

    def cancel(self) -> None:
        """Nothing runs yet."""


def require_images(recipe: Recipe, numbers: NumberTypes, options: ExportOptions) -> None:
    """Refuse a recipe that needs calibration images where there are none; raises InputError."""
    if numbers.needs_images and options.calibration is None:
        raise InputError(
            f"the recipe {recipe.name} needs calibration images; give --calibrate with a directory "
            "of images or the name of a data set, or --precision int8, which needs none",
            code="input.option",
            name="calibrate",
        )


def require_fitting(recipe: Recipe, numbers: NumberTypes, stages: "Stages") -> None:
    """Refuse a recipe that graphs cannot have with these numbers; raises InputError.

    It may not change weights that graphs take as inputs, nor round what a router inside of a graph
    decides on, where experts that are as good as equal change places.
    """
    if stages.routers == manifest.IN_GRAPH and numbers != FLOAT32:
        raise InputError(
            f"the recipe {recipe.name} computes in {numbers.activations} with weights of "
            f"{numbers.weights}, in which a router inside of a graph flips experts; give "
            "--precision fp32, or let the host route",
            code="input.option",
            name="routers",
            given=recipe.name,
        )
    if numbers.needs_images and not _has_graph_for_each_route(stages):
        raise InputError(
            f"the recipe {recipe.name} has ranges of inputs for each route, and graphs of the "
            f"strategy {stages.strategy.name} serve several; give --strategy dispatch, or "
            "--precision int8, which finds ranges for each image",
            code="input.option",
            name="strategy",
            given=stages.strategy.name,
        )
    if recipe.changes_weights and stages.bound_experts:
        raise InputError(
            f"the recipe {recipe.name} changes weights, and graphs of the strategy "
            f"{stages.strategy.name} take theirs as inputs; give another strategy or --precision",
            code="input.option",
            name="precision",
            given=recipe.name,
        )


def _has_graph_for_each_route(stages: "Stages") -> bool:
    """Whether every route of every stage has one graph, which serves no other."""
    rules = [spec.flow.record.routing for spec in stages.specs[1:]]
    # Of several routes: the graph of the first may serve all.
    routes = [route for rule in rules for route in itertools.islice(rule.routes(), 2)]
    return all(stages.strategy.serving(route) == (route,) for route in routes)
