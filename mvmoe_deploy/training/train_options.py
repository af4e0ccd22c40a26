"""What one training run is asked to do, validated, and defaults that suit the data.

Nothing here opens a file: whether the data exist is found out when they are loaded.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.families import family_of
from mvmoe_deploy.models.input_choices import InputChoices
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.text import quoted
from mvmoe_deploy.training.data import class_names, recipe

TrainingPrecision = Literal["32-true", "bf16-mixed"]
"""fp32, or bf16 autocast: neither has a loss scale that would have to be resumed."""

_MAX_COUNT = 1024
"""Machines, and on each of them processes or threads of one kind: more would exhaust it."""

ACCELERATORS = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """One run: model, data, recipe and machines. `default_options` fills in what suits the data.

    - `data` is a data set's name, the folder of one, or an image folder; `routings` are names of
      training routings; without any, the dense twin alone is trained.
    - `start` is the path of a checkpoint that the run starts from, `weights` one of several sets in
      it. `dense_epochs` may be 0 then: its dense model is trained already.
    - `input` says what makes the model's input of an image, where it is not what suits the data.
    - `lr`, `warmup` (share of a phase's steps), `clip_norm` (0 = off) and `ema` (decay, 0 = off)
      hold for the dense and the routed phases alike; each phase has its own cosine.
    - `batch_size` counts the images of one step on all processes. `accumulate` is how many parts
      they are computed in, one after the other: it takes less memory, and the step is the same.
    - `patience` ends a phase after so many epochs without a higher accuracy of the held-out images,
      and keeps the weights of the best epoch (0: neither).
    - `devices` counts processes on one machine, `num_nodes` machines. `workers` are processes that
      load images for each of them; they do not change the result.
    - `threads` are CPU threads of each process (0: PyTorch's choice). The order of sums depends on
      them, and with it the last bits of the weights.
    """

    config: ModelConfig
    data: str = "digits"
    start: str | None = None
    weights: str | None = None
    input: InputChoices = field(default_factory=InputChoices)
    routings: tuple[str, ...] = ("super-class",)
    dense_epochs: int = 300
    moe_epochs: int = 100
    batch_size: int = 1024
    accumulate: int = 1
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    guide_weight: float = 0.3
    balance_weight: float = 0.01
    ema: float = 0.0
    patience: int = 0
    seed: int = 0
    devices: int | Literal["auto"] = 1
    accelerator: str = "auto"
    num_nodes: int = 1
    precision: TrainingPrecision = "32-true"
    workers: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained; raises InputError."""
        if not is_routed(self.config):
            raise InputError(
                f"config describes a dense {self.config.family}; give the configuration of a "
                "routed model (its dense twin is trained first)",
                code="input.option",
                name="config",
                given=self.config.family,
            )
        self._require_start()
        self._require_routings()
        self._require_integers()
        self._require_numbers()
        _require(self.accelerator in ACCELERATORS, "accelerator", self.accelerator, ACCELERATORS)
        precisions = get_args(TrainingPrecision)
        _require(self.precision in precisions, "precision", self.precision, precisions)

    @property
    def _begins_trained(self) -> bool:
        """Whether the routed phases can begin without a dense one."""
        return self.start is not None or not family_of(self.config).has_twin

    def _require_start(self) -> None:
        """A set of weights is of a checkpoint."""
        if self.weights is not None and self.start is None:
            raise InputError(
                f"the weights {self.weights!r} were given, but no checkpoint that the run starts "
                "from; give --from CHECKPOINT too",
                code="input.option",
                name="weights",
                given=quoted(self.weights),
            )

    def _require_routings(self) -> None:
        """All routings are known, and none is named twice."""
        named, known = self.routings, part_lookup.names("routings")
        fits = isinstance(named, tuple) and set(named) <= set(known)
        if not fits or len(set(named)) != len(named):
            raise InputError(
                f"routings is {named!r}; give a tuple of some of {', '.join(known)}, each at most "
                "once",
                code="input.option",
                name="routings",
                given=quoted(named),
                expected=known,
            )

    def _require_integers(self) -> None:
        """Counts are whole numbers in their range."""
        for name, low, high in (
            ("dense_epochs", 0 if self._begins_trained and self.routings else 1, None),
            ("moe_epochs", 1, None),
            ("batch_size", 1, None),
            ("accumulate", 1, None),
            ("patience", 0, None),
            ("seed", 0, 2**63 - 1),
            ("devices", 1, _MAX_COUNT),
            ("num_nodes", 1, _MAX_COUNT),
            ("workers", 0, _MAX_COUNT),
            ("threads", 0, _MAX_COUNT),
        ):
            value = getattr(self, name)
            if name == "devices" and value == "auto":
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            holds = whole and low <= value <= (value if high is None else high)
            most = "" if high is None else f" and at most {high:,}"
            _require(holds, name, value, f"a whole number of at least {low}{most}")

    def _require_numbers(self) -> None:
        """Real options lie in their range, bounds included where they make sense."""
        small = math.ulp(0.0)
        for name, low, high in (
            ("lr", small, 10.0),
            ("weight_decay", 0.0, 10.0),
            ("warmup", 0.0, 1.0),
            ("label_smoothing", 0.0, 1.0),
            ("clip_norm", 0.0, math.inf),
            ("guide_weight", 0.0, 1e6),
            ("balance_weight", 0.0, 1e6),
            ("ema", 0.0, 1.0 - 1e-9),
        ):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            holds = number and math.isfinite(value) and low <= value <= high
            _require(holds, name, value, _range(low, high))


def is_routed(config: ModelConfig) -> bool:
    """Whether a configuration is of a routed model: of images, or of tokens inside of the model.

    The latter has no rule that anybody sees, but a dense twin that is another model.
    """
    if config.routing:
        return True
    try:
        return bool(family_of(config).dense(config) != config)
    except InputError:
        return False


def default_options(config: ModelConfig, data: str = "digits", **changes: Any) -> TrainOptions:
    """Options that suit `data`, with `changes` on top; the classes are counted in the data.

    For a data set its own recipe, for digits one of about a minute; for an image folder DeiT's
    recipe (arXiv 2012.12877, table 9) without its distillation and mixing. A run that starts from
    a checkpoint has no dense epochs unless `changes` give some. Where images have no routes there
    is nothing to guide, and a module of one's own has no dense twin that could: then the routing is
    `end-to-end`. Raises InputError for data that
    cannot be used and for options out of range.
    """
    config = config.for_classes(len(class_names(data)))
    alone = not family_of(config).has_twin
    started = {"dense_epochs": 0} if alone or changes.get("start") is not None else {}
    unguided = {"routings": ("end-to-end",)} if alone or not config.routing else {}
    suited = {**recipe(data), **started, **unguided}
    fields = {"config": config, "data": str(data), **suited, **changes}
    return TrainOptions(**fields)


def differing_option(options: dict[str, Any], other: dict[str, Any]) -> str | None:
    """The first option, by dotted name, in which two plain forms differ; None if they agree."""
    for name in sorted(options.keys() | other.keys()):
        value, other_value = options.get(name), other.get(name)
        if isinstance(value, dict) and isinstance(other_value, dict):
            if inner := differing_option(value, other_value):
                return f"{name}.{inner}"
        elif value != other_value:
            return name
    return None


def _require(holds: bool, name: str, value: object, expected: object) -> None:
    """Raise InputError in this module's one form unless `holds`."""
    if not holds:
        if isinstance(expected, tuple):
            expected = "one of " + ", ".join(expected)
        raise InputError(
            f"training option {name} is {value!r}, but it must be {expected}",
            code="input.option",
            name=name,
            given=quoted(value),
            expected=str(expected),
        )


def _range(low: float, high: float) -> str:
    """A closed range in words."""
    start = "above 0" if 0 < low < 1e-300 else f"at least {low:g}"
    below = "below 1" if 1 - 1e-6 < high < 1 else f"at most {high:g}"
    return start if math.isinf(high) else f"{start} and {below}"
