"""A user's own module where training expects a model of a family.

It is no part: no name finds it, so that no checkpoint can say which code is run. The configuration
that a person's factory gives brings it (`ModelConfig.made_by`).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import (
    BegunModel,
    Family,
    FamilyModel,
    RoutedModel,
    RoutedOutput,
)
from mvmoe_deploy.models.families import seeded
from mvmoe_deploy.models.gating import recorded_selections
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.own_module import lasting_spec, make_own_module
from mvmoe_deploy.models.own_weights import load_own_weights, own_labels, save_own_weights
from mvmoe_deploy.models.stage_tensors import declared_finishes, declared_outputs
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule, UsagePrior

_NEEDED = ("input", "routing", "stage", "forward")


@dataclass(frozen=True, kw_only=True)
class OwnModelConfig(ModelConfig):
    """What a user's own module says of itself, found by making it once (`own_config`)."""

    family: ClassVar[str] = "own module"

    factory: str
    """`package.module:factory`, or `file.py:factory` with the file's whole path."""
    input: Preprocessing
    rules: tuple[Rule, ...]
    outputs: dict[str, str]
    """The kind of each output by name."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """As the model says it: it need not be square."""
        return self.input.shape

    @property
    def routing(self) -> tuple[Rule, ...]:
        """The model's rules."""
        return self.rules

    @property
    def fixed_input(self) -> Preprocessing:
        """The model's."""
        return self.input

    @property
    def made_by(self) -> "OwnFamily":
        """The family of users' own modules."""
        return OwnFamily()

    def for_classes(self, count: int) -> "OwnModelConfig":
        """As it is: the module has as many classes as it has."""
        return self

    def _require_types(self) -> None:
        """Nothing was typed by a person."""


class OwnModel(FamilyModel):
    """A user's own module, with what training asks of it.

    What routers gave is what `forward` calls `gating.select` with; a module that selects otherwise
    gives it by a method `forward_routed(images, routes=None) -> RoutedOutput`.
    """

    config: OwnModelConfig

    def __init__(self, config: OwnModelConfig, own: nn.Module) -> None:
        super().__init__(config, config.input)
        self.own = own
        self.outputs = config.outputs

    def stage(self, index: int, route: Route) -> nn.Module:
        """The module's own."""
        return cast("RoutedModel", self.own).stage(index, route)

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """What the module answers, and what its routers gave; raises InputError as its code does.

        Images are `[B, C, H, W]`.
        """
        name = type(self.own).__name__
        with user_code(f"{name}.forward"):
            if (routed := getattr(self.own, "forward_routed", None)) is not None:
                return cast("RoutedOutput", routed(images, routes))
            with recorded_selections() as found:
                given = self.own(images) if routes is None else self.own(images, routes)
        if len(found) != len(self.routing) or any(len(one.logits) != len(images) for one in found):
            raise InputError(
                f"{name}.forward called mvmoe_deploy.models.gating.select {len(found)} times for "
                f"{len(self.routing)} routed stages; call it once for each, with the logits of all "
                f"images, or give {name} a method forward_routed (docs/own_model.md)",
                code="model.contract",
                name="forward_routed",
                expected=len(self.routing),
                found=len(found),
            )
        first = next(iter(self.outputs))
        return RoutedOutput(
            given[first] if isinstance(given, Mapping) else given,
            [one.logits for one in found],
            [one.members for one in found],
            [one.gates for one in found],
        )

    def __reduce__(self) -> Any:
        """Made again by its factory in another process: a file's classes cannot be imported."""
        return _made_again, (self.config, self.own.state_dict(), self.training)

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnModel":
        """A copy without the factory."""
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied


class OwnFamily(Family[OwnModelConfig, OwnModel]):
    """Users' own modules, as training sees them."""

    name = "own module"
    config = OwnModelConfig
    model = OwnModel
    has_twin = False

    def build(self, config: OwnModelConfig, preprocessing: Preprocessing | None = None) -> OwnModel:
        """A model with the weights that its factory gives it."""
        return OwnModel(config, make_own_module(config.factory))

    def answers(self, config: OwnModelConfig) -> str:
        """As the module declares."""
        return next(iter(config.outputs.values()))

    def begun(
        self, config: OwnModelConfig, seed: int, checkpoint: Path | None, weights: str | None
    ) -> BegunModel:
        """The module with the weights of a checkpoint, or the factory's own, drawn with `seed`."""
        with seeded(seed):
            model = self.build(config)
        labels = own_labels(model.own)
        if checkpoint is None:
            return BegunModel(model, labels)
        loaded = load_own_weights(model.own, checkpoint, weights)
        return BegunModel(model, loaded.labels or labels, loaded.sha256)

    def write_checkpoint(
        self,
        model: OwnModel,
        path: Path,
        labels: Sequence[str] | None = None,
        usage_prior: UsagePrior | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """The weights by the module's own names."""
        own = cast("RoutedModel", model.own)
        save_own_weights(own, path, labels, usage_prior, replace=replace)


def own_config(factory: str) -> OwnModelConfig:
    """What the module of a factory (`make_own_module`) says of itself.

    Raises InputError for a module that is no routed model, or whose first output has no classes.
    """
    model = routed(make_own_module(factory))
    name = type(model).__name__
    outputs = declared_outputs(model)
    if any(declared_finishes(model, model.routing)):
        raise InputError(
            f"{name} finishes images before its last stage, which is not trained here; train it "
            "with code of your own, and give its weights with --checkpoint",
            code="model.contract",
            name="finishes",
        )
    return OwnModelConfig(
        factory=lasting_spec(factory),
        input=model.input,
        rules=tuple(model.routing),
        outputs=outputs,
        image_size=max(model.input.height, model.input.width),
        in_channels=model.input.channels,
        num_classes=_classes(model, *next(iter(outputs.items()))),
    )


def routed(module: nn.Module) -> RoutedModel:
    """A module that has what the contract asks for; raises InputError that says what it lacks."""
    lacking = [name for name in _NEEDED if not hasattr(module, name)]
    if lacking:
        raise InputError(
            f"{type(module).__name__} is no routed model: it lacks {', '.join(lacking)}; see "
            "docs/own_model.md",
            code="model.contract",
            name=lacking[0],
        )
    return cast("RoutedModel", module)


def _classes(model: RoutedModel, output: str, kind: str) -> int:
    """The classes of a model's first output, found by one image down the first routes."""
    name = type(model).__name__
    routes = tuple(next(iter(rule.routes())) for rule in model.routing)
    with torch.no_grad(), user_code(f"{name}.forward"):
        given = model.eval()(torch.zeros(1, *model.input.shape), routes)
        answer = given[output] if isinstance(given, Mapping) else given
    found = find_kind(kind)
    found.require_shape(tuple(answer.shape[1:]))
    count = found.classes(tuple(answer.shape[1:]))
    if found.accuracy_measure is None or count is None:
        raise InputError(
            f"the first output of {name} is {output} of the kind {kind}, which no label is of; "
            "train it with code of your own, and give its weights with --checkpoint",
            code="model.contract",
            name=output,
        )
    return count


def _made_again(config: OwnModelConfig, state: dict[str, Tensor], training: bool) -> OwnModel:
    """The model in another process."""
    model = config.made_by.build(config)
    model.own.load_state_dict(state)
    return model.train(training)
