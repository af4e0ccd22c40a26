"""The contracts of models: `RoutedModel` for what deploys one, `Family` for what makes one.

A user's own module satisfies `RoutedModel` in about thirty lines (see `docs/own_model.md`). It has
no family: a family is what presets, checkpoints and training need beside the module.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.input_choices import (
    default_origins,
    default_preprocessing,
    require_input,
)
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.stage_tensors import DEFAULT_OUTPUTS
from mvmoe_deploy.models.timm_config import TimmConfig
from mvmoe_deploy.preprocessing import Origin, Preprocessing, TrainedField
from mvmoe_deploy.routing import Route, Rule, UsagePrior

ModelOutput = Tensor | dict[str, Tensor]
"""What a model gives for a batch: its only output, or each of several by name."""


@runtime_checkable
class RoutedModel(Protocol):
    """A PyTorch module that routes each image to experts, seen as stages.

    Invariants:

    - `stage(0, ())` is the stem. Its forward takes images `[B, C, H, W]` and gives
      `(tokens, logits)`: tokens of any shape `[B, ...]`, and the logits `[B, E]` of the first
      router. Of a dense model (`routing == ()`) it gives the answer alone.
    - A stage may give a dict of named tensors `[B, ...]` instead, `logits` and the model's outputs
      among them, and take such tensors of any stage before it by the names of its parameters, gates
      last (`stage_tensors.py`).
    - `stage(i, route)`, i >= 1, is the i-th routed step for one route. Its forward takes
      `(tokens, gates)`, gates `[B, len(route)]` in the order of the route, and gives
      `(tokens, logits)` of the next router, or the answer `[B, classes]` if it is the last.
      Any non-empty tuple of distinct experts is a route here: all of them make the
      `all-experts` strategy, one graph per `k` of them the `dispatch` strategy.
    - A stage is an `nn.Module` that shares the model's parameters and copies none. Of two routes
      of the same length it has the same parameter names where the computation is the same, so
      that one exported graph can be bound to the weights of either.
    - `forward(images, routes=None)` gives the answer. Unless `routes` forces one route per
      routed stage, each image follows its own (`mvmoe_deploy.routing` has the rule). A forced
      route keeps the gates that the router's scores give its experts. Where a rule leaves the
      route of a stage to the caller alone, `routes` are always given, gates are 1, and the stage
      before it gives no logits.
    - In evaluation mode nothing depends on the other images of a batch.
    - A model may have an attribute `outputs`, the kind of each of its outputs by name
      (`{"boxes": "boxes", "depth": "map"}`); without it, it gives class logits, called `answer`.
      An output is the latest tensor of its name. Of several outputs `forward` gives a dict.
    - A model may have an attribute `finishes`, by the number of a routed stage the routes on which
      an image is finished (`{1: [(0,)]}`): it runs neither that stage nor those behind it, and
      `stage` is never asked for such a route. All outputs must be there by then.
    """

    training: bool
    """Whether the model is in training mode; an `nn.Module` has it, as all of the methods below."""

    @property
    def input(self) -> Preprocessing:
        """The input and what makes it from an image."""

    @property
    def routing(self) -> tuple[Rule, ...]:
        """One rule for each routed stage; empty for a dense model."""

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stage `index` for `route` (`()` for the stem), sharing the model's parameters."""

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> ModelOutput:
        """The only output `[B, ...]`, or all by name, for images `[B, C, H, W]`."""

    def __call__(self, images: Tensor, routes: Sequence[Route] | None = None) -> ModelOutput:
        """As `forward`."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All parameters, each once."""

    def state_dict(self) -> dict[str, Any]:
        """All parameters and buffers by name."""

    def train(self, mode: bool = True) -> Self:
        """Switch to training or evaluation mode."""

    def eval(self) -> Self:
        """Switch to evaluation mode."""

    def double(self) -> Self:
        """Convert all floating-point parameters and buffers to fp64."""


@runtime_checkable
class ExpertModules(Protocol):
    """What a routed model offers beside, so that a stage can have a graph for each expert.

    Invariants:

    - `expert(i, e)` computes what expert `e` of the routed stage i gives to the stage: one tensor
      `[B, ...]`, or a dict of named ones, the same for all experts of the stage. Its forward takes
      tensors that the stage takes, by the names of its parameters; it knows no gates.
    - `join(i, count)` makes of what `count` experts give what the stage gives. Its forward takes
      tensors that the stage takes, by the names of its parameters, then what each expert gives, in
      the order of the route, then the gates `[B, count]`.
    - An expert with the gate 0 changes nothing, whatever finite values it gives.
    - With the experts of a route and its gates they give what `stage(i, route)` gives.
    - Both share the model's parameters, as stages do.
    """

    def expert(self, stage: int, index: int) -> nn.Module:
        """The module of one expert; raises InputError where a stage's experts do not separate."""

    def join(self, stage: int, count: int) -> nn.Module:
        """The module behind `count` experts; raises InputError as `expert` does."""


class RoutedOutput(NamedTuple):
    """What a forward pass for training gives; each list has one entry for each routed stage."""

    logits: Tensor
    """The first output `[B, ...]`: class logits `[B, classes]`, if the model does not say."""
    router_logits: list[Tensor]
    """Router logits `[B, E]`."""
    members: list[Tensor]
    """Routes `[B, E]` (bool): whether an image uses an expert."""
    gates: list[Tensor]
    """Gates `[B, E]`, 0 for experts that are not in the route."""
    penalties: Mapping[str, Tensor] = MappingProxyType({})
    """Terms of the loss that the model's own layers give while it trains, each with its weight."""
    for_loss: Mapping[str, Tensor] = MappingProxyType({})
    """What the family's loss takes beside, by names of its own."""


class FamilyModel(nn.Module):
    """The base of the models of families: a routed model with its configuration and its input.

    `input_origins` says who stated each field of `input`; a field that it leaves out was stated by
    the code that made the model.
    """

    config: ModelConfig
    input: Preprocessing
    input_origins: dict[TrainedField, Origin]
    outputs: Mapping[str, str] = DEFAULT_OUTPUTS
    """The kind of each output by name; the first is what training knows labels of."""

    def __init__(self, config: ModelConfig, preprocessing: Preprocessing | None = None) -> None:
        """Raises InputError for a preprocessing that does not make the model's input."""
        super().__init__()
        self.config = config
        self.input = preprocessing or default_preprocessing(config)
        self.input_origins = default_origins(self.input) if preprocessing is None else {}
        require_input(config, self.input)

    @property
    def routing(self) -> tuple[Rule, ...]:
        """The rules of the configuration."""
        return self.config.routing

    def stage(self, index: int, route: Route) -> nn.Module:
        """See `RoutedModel`."""
        raise NotImplementedError

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """See `RoutedModel`."""
        return self.forward_routed(images, routes).logits

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """As `forward`, with what the routers gave: for training and its statistics."""
        raise NotImplementedError

    def require_routes(self, routes: Sequence[Route] | None) -> None:
        """Refuse forced routes that are not one for each routed stage; raises InputError."""
        if not routes:
            return
        if len(routes) != len(self.routing):
            raise InputError(
                f"{len(routes)} routes were forced on a model of {len(self.routing)} routed "
                "stages; give one for each",
                name="routes",
                given=len(routes),
                expected=len(self.routing),
            )
        for index, route in enumerate(routes, start=1):
            self.require_route(index, route)

    def require_route(self, index: int, route: Route) -> None:
        """Refuse what is no route of a routed stage; raises InputError."""
        stages = len(self.routing)
        experts = self.routing[index - 1].experts if 1 <= index <= stages else 0
        if not set(route) <= set(range(experts)):
            raise InputError(
                f"stage {index} with route {route} does not exist; this model has {stages} routed "
                f"stages{f', that one of {experts} experts' if experts else ''}",
                code="routing.unknown-route",
                stage=index,
                route=list(route),
            )
        if not route or len(set(route)) != len(route):
            raise InputError(
                f"route {route} must name at least one expert, each at most once",
                code="routing.unknown-route",
                stage=index,
                route=list(route),
            )

    def forward_complete(self, images: Tensor) -> Tensor | None:
        """The answer `[B, classes]` with every expert active, which is the dense twin's.

        None where experts are no parts of dense layers.
        """
        return None


@dataclass(frozen=True)
class BegunModel:
    """A routed model that a training begins with, and the checkpoint that its weights are of."""

    model: FamilyModel
    labels: tuple[str, ...] | None = None
    """What the checkpoint calls its classes."""
    sha256: str | None = None
    """Of the checkpoint; None for random weights."""


@dataclass(frozen=True)
class AdaptedState:
    """A state dict that was made to fit a configuration."""

    tensors: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
    """What was changed, one line each."""


ConfigT = TypeVar("ConfigT", bound=ModelConfig)
ModelT = TypeVar("ModelT", bound=FamilyModel)


class Family(Generic[ConfigT, ModelT]):
    """A kind of model: the part `families/NAME`, whose `PART` is an instance of a subclass.

    Presets, checkpoints and training ask a family for everything that they have to know of it. A
    subclass names its configuration and its module, and overrides what is different for it.
    """

    name: ClassVar[str]
    """The part's name, and `config.family`."""
    config: type[ConfigT]
    model: type[ModelT]
    without_decay: frozenset[str] = frozenset()
    """Names of parameters of two and more dimensions that weight decay leaves out."""
    bound_to_weights: frozenset[str] = frozenset()
    """Fields of the configuration that no weight's shape shows, and that trained weights are bound
    to: with another value they fit and mean nothing."""
    has_twin: ClassVar[bool] = True
    """Whether training begins with a dense twin; else with the routed model (`begun`)."""
    calibrated: str | None = None
    """The field of the configuration, true or false, of models that are calibrated on images."""

    def presets(self) -> Mapping[str, ConfigT]:
        """Named configurations; the names are unique among all families."""
        return {}

    def build(self, config: ConfigT, preprocessing: Preprocessing | None = None) -> ModelT:
        """A model with random weights from PyTorch's generator; raises InputError."""
        return self.model(config, preprocessing)

    def answers(self, config: ConfigT) -> str:
        """The kind of the first output of a model, which labels are of."""
        return next(iter(self.model.outputs.values()))

    def begun(
        self, config: ConfigT, seed: int, checkpoint: Path | None, weights: str | None
    ) -> "BegunModel":
        """What the training of a family without a dense twin begins with.

        `weights` names one of several sets of the checkpoint. Raises CheckpointError.
        """
        raise NotImplementedError

    def write_checkpoint(
        self,
        model: ModelT,
        path: Path,
        labels: Sequence[str] | None = None,
        usage_prior: UsagePrior | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """Write a model as `save_checkpoint` does; raises what it raises."""
        from mvmoe_deploy.models.checkpoints import Checkpoint, save_checkpoint

        named = None if labels is None else list(labels)
        save_checkpoint(Checkpoint(model, labels=named, usage_prior=usage_prior), path, replace)

    def fits(self, name: str, tensor: Tensor, expected: Tensor) -> bool:
        """Whether `adapt` can make a parameter of shape `expected.shape` of a stored tensor."""
        return tensor.shape == expected.shape

    def adapt(self, state: Mapping[str, Tensor], config: ConfigT) -> AdaptedState:
        """A state whose tensors all `fits`, in the shapes of the model; raises InputError."""
        return AdaptedState(state)

    def config_from_timm(self, described: TimmConfig) -> ConfigT | None:
        """The configuration of timm's architecture; None for one that is not of this family.

        Raises InputError for an architecture of this family with impossible sizes.
        """
        return None

    def differences_from_timm(
        self, config: ConfigT, described: TimmConfig
    ) -> Sequence[tuple[str, Any, str, Any]]:
        """What timm's file may say of this family's own fields: the field, its value, timm's name
        of it, and what the file states (None for nothing).
        """
        return ()

    def start(self, config: ConfigT, preprocessing: Preprocessing) -> ModelT:
        """A dense model as its training begins, random from PyTorch's generator."""
        return self.build(config, preprocessing)

    def dense(self, config: ConfigT) -> ModelConfig:
        """The dense twin of a routed configuration, of this family or another.

        It is trained first, and its confusions make the super-classes. Raises InputError for a
        family that is not trained so.
        """
        raise InputError(
            f"a {self.name} has no dense twin that it could start from; name a family that has one",
            name="start",
            given=self.name,
        )

    def from_dense(self, dense: FamilyModel, config: ConfigT) -> ModelT:
        """A routed model that starts from a trained dense twin; what the twin lacks is random."""
        raise NotImplementedError

    def to_dense(self, model: ModelT) -> FamilyModel | None:
        """The dense twin whose weights a routed model has; None if no dense model answers as it.

        Given by families whose experts are the parts of dense layers: fine-tuning such a model
        compares it with its twin.
        """
        return None

    def calibrate(self, model: ModelT, batches: Iterable[Tensor]) -> None:
        """Set what a model with the field `calibrated` takes from images `[B, C, H, W]`.

        Asked only of families that name such a field.
        """
        raise NotImplementedError

    def losses(self, output: RoutedOutput, labels: Tensor, smoothing: float) -> dict[str, Tensor]:
        """Named terms whose sum training minimises, of a batch with labels `[B, ...]`.

        Labels are as the kind of the model's first output has them. What guides the routers of
        images is added to them by the training routing. `smoothing` is the label smoothing.
        """
        classify = F.cross_entropy(output.logits, labels, label_smoothing=smoothing)
        return {"classify": classify, **output.penalties}
