"""What a run starts from: the weights of a checkpoint, made to fit the run's models and classes.

A dense checkpoint is the dense twin of the run; a routed one is what its routed phases go on with.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.checkpoints import Checkpoint, load_checkpoint
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families import family_of, find_family, seeded
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.state_dicts import load_weights
from mvmoe_deploy.part_lookup import find
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.training.data import ImageData
from mvmoe_deploy.training.head import fitted_head
from mvmoe_deploy.training.train_options import TrainOptions, is_routed
from mvmoe_deploy.training.training_report import StartReport

_NO_CONFIG = "checkpoint.no-config"
_DOES_NOT_FIT = "checkpoint.does-not-fit"
_FREE = frozenset({"num_classes", "image_size"})
"""Fields of the data and the input: the weights are made to fit them."""


@dataclass(frozen=True)
class StartingModels:
    """What a run starts from; its models are on the CPU and fit the run's configuration."""

    report: StartReport | None
    """None where the weights are random: a user's own module that was not trained before."""
    dense: FamilyModel | None
    """The trained dense twin; None where a routed model has none."""
    routed: FamilyModel | None
    """What every routed phase begins with; None where that is made of the dense twin."""


def configuration_of(checkpoint: Path, weights: str | None = None) -> ModelConfig:
    """The configuration of a run that starts from a routed checkpoint: the checkpoint's own.

    Raises InputError for a dense checkpoint and for weights without a configuration: what is to
    become of them has to be said. Raises CheckpointError as `load_checkpoint` does.
    """
    try:
        config = load_checkpoint(checkpoint, weights=weights).config
    except CheckpointError as error:
        if error.code != _NO_CONFIG:
            raise
        raise InputError(
            f"checkpoint {checkpoint} brings no configuration that is known here; name that of the "
            "routed model with --preset",
            code="input.option",
            name="preset",
        ) from error
    if not is_routed(config):
        raise InputError(
            f"checkpoint {checkpoint} is a dense {config.family}; name with --preset the routed "
            "model that it becomes, or make one of it with mvmoe convert",
            code="input.option",
            name="preset",
            given=config.family,
        )
    return config


def read_start(options: TrainOptions) -> Checkpoint | None:
    """The checkpoint that a run starts from, as it is; None for a run that starts from nothing.

    Weights without a configuration are those of the run's dense twin or of its routed model.
    Raises CheckpointError as `load_checkpoint` does.
    """
    if options.start is None or not family_of(options.config).has_twin:
        return None
    path, weights = Path(options.start), options.weights
    try:
        return load_checkpoint(path, weights=weights)
    except CheckpointError as error:
        if error.code != _NO_CONFIG:
            raise
    dense = find_family(options.config.family).dense(options.config)
    try:
        return load_checkpoint(path, dense, weights=weights, any_classes=True)
    except CheckpointError as error:
        if error.code != _DOES_NOT_FIT:
            raise
        try:
            return load_checkpoint(path, options.config, weights=weights, any_classes=True)
        except CheckpointError:
            raise error from None


def stated_input(checkpoint: Checkpoint | None, config: ModelConfig) -> dict[str, Any]:
    """The fields of `Preprocessing` that a checkpoint states; what it only guessed is left out.

    A size in pixels keeps its share of the model's input, which may be of another size now.
    """
    if checkpoint is None:
        return {}
    given: Preprocessing = checkpoint.model.input
    origins = checkpoint.model.input_origins
    stated = {str(name): getattr(given, name) for name in origins if origins[name] != "default"}
    if (pixels := stated.get("resize_size")) is not None:
        stated["resize_size"] = round(pixels * config.image_size / checkpoint.config.image_size)
    return stated


def fitted_start(
    checkpoint: Checkpoint | None, options: TrainOptions, data: ImageData
) -> StartingModels | None:
    """The checkpoint's weights in the run's models; None for a run that starts from nothing.

    What depends on the number of classes starts fresh where the classes are others; all other
    layers must fit. Raises CheckpointError that names those that do not, with both shapes, or the
    family of a model that is another's, and InputError where nothing could guide the routers.
    """
    family = family_of(options.config)
    if not family.has_twin:
        return _begun(options, data)
    if checkpoint is None:
        return None
    dense_config = family.dense(options.config)
    found = checkpoint.config.family
    if found == options.config.family and is_routed(checkpoint.config):
        _require_no_dense_phase(options)
        fitted = _fitted(checkpoint, options.config, options, data)
        dense, routed = family.to_dense(fitted.model), fitted.model
    elif found == dense_config.family:
        fitted = _fitted(checkpoint, dense_config, options, data)
        dense, routed = fitted.model, None
    else:
        raise CheckpointError(
            f"checkpoint {options.start} is a {found}, but the run trains a "
            f"{options.config.family}; give a {options.config.family} or a {dense_config.family}",
            code=_DOES_NOT_FIT,
            family=options.config.family,
            found=found,
        )
    if fitted.fresh_head and not options.dense_epochs:
        _require_no_guide(options)
    return StartingModels(_report(checkpoint, options, fitted.notes), dense, routed)


def _begun(options: TrainOptions, data: ImageData) -> StartingModels:
    """What a routed model without a dense twin begins with; raises CheckpointError, InputError."""
    path = None if options.start is None else Path(options.start)
    begun = family_of(options.config).begun(options.config, options.seed, path, options.weights)
    _require_no_dense_phase(options)
    notes = _class_notes(begun.labels, data.classes, path)
    if begun.sha256 is None:
        _require_no_guide(options)
        return StartingModels(None, None, begun.model)
    report = StartReport(
        checkpoint=str(path),
        sha256=begun.sha256,
        family=options.config.family,
        weights=options.weights,
        notes=notes,
    )
    return StartingModels(report, None, begun.model)


def _class_notes(
    labels: Sequence[str] | None, classes: Sequence[str], path: Path | None
) -> tuple[str, ...]:
    """What to know where the model calls its classes otherwise than the data do.

    Raises InputError where it has the data's names in another order: its answers would mean others.
    """
    if labels is None or tuple(labels) == tuple(classes):
        return ()
    whose = "the model" if path is None else f"checkpoint {path}"
    if sorted(labels) == sorted(classes):
        raise InputError(
            f"{whose} has the classes of the data in another order ({', '.join(labels[:5])}); "
            f"give the data's, which are sorted by name: {', '.join(classes[:5])}",
            code="data.invalid",
            name="classes",
            expected=list(classes[:5]),
            found=list(labels[:5]),
        )
    return (
        f"weights: {whose} calls its classes {', '.join(labels[:3])}, and the data "
        f"{', '.join(classes[:3])}",
    )


def _report(checkpoint: Checkpoint, options: TrainOptions, notes: Sequence[str]) -> StartReport:
    """What the report says of the start."""
    return StartReport(
        checkpoint=str(options.start),
        sha256=str(checkpoint.sha256),
        family=checkpoint.config.family,
        weights=checkpoint.weights,
        notes=tuple(dict.fromkeys((*_of_weights(checkpoint.notes), *notes))),
    )


def _of_weights(notes: Sequence[str]) -> list[str]:
    """What reading a checkpoint says of its weights; of the input the run's data decide."""
    return [line for line in notes if not line.startswith("input:")]


class _Fitted(NamedTuple):
    """A model with the weights of a checkpoint."""

    model: FamilyModel
    notes: tuple[str, ...]
    fresh_head: bool


def _fitted(
    checkpoint: Checkpoint, config: ModelConfig, options: TrainOptions, data: ImageData
) -> _Fitted:
    """A model of `config` with the checkpoint's weights; raises CheckpointError."""
    _require_same_meaning(checkpoint.config, config, options)
    with seeded(options.seed):
        model: FamilyModel = find_family(config.family).build(config, data.preprocessing)
    state = checkpoint.model.state_dict()
    head = fitted_head(state, checkpoint.labels, model, data.classes)
    adapted = load_weights(model, {**state, **head.tensors}, f"checkpoint {options.start}")
    notes = (*_replaced(checkpoint.config, config), *adapted, *head.notes)
    return _Fitted(model.eval(), notes, head.fresh)


def _require_same_meaning(before: ModelConfig, config: ModelConfig, options: TrainOptions) -> None:
    """Refuse weights that would fit, and mean nothing."""
    for name in sorted(find_family(before.family).bound_to_weights):
        stored, wanted = getattr(before, name), getattr(config, name)
        if stored != wanted:
            raise CheckpointError(
                f"checkpoint {options.start} does not fit a {config.family}: it was trained with "
                f"{name} {stored}, and its weights mean nothing with {wanted}; give --preset of a "
                f"model with {name} {stored}",
                code=_DOES_NOT_FIT,
                family=config.family,
                name=name,
                expected=wanted,
                found=stored,
            )


def _replaced(before: ModelConfig, config: ModelConfig) -> list[str]:
    """What the run's configuration has otherwise, where no weight shows it."""
    fields = asdict(before)
    return [
        f"configuration: {name} {value} replaces the checkpoint's {fields[name]}"
        for name, value in asdict(config).items()
        if name in fields and name not in _FREE and fields[name] != value
    ]


def _require_no_dense_phase(options: TrainOptions) -> None:
    """Refuse to train a dense model that the routed one would not start from."""
    if options.dense_epochs:
        whose = "the model" if options.start is None else f"checkpoint {options.start}"
        raise InputError(
            f"{options.dense_epochs} dense epochs were asked for, but {whose} "
            "is a routed model, which goes on with its own weights; leave --dense-epochs out",
            code="input.option",
            name="dense_epochs",
            given=options.dense_epochs,
        )


def _require_no_guide(options: TrainOptions) -> None:
    """Refuse to find super-classes by the mistakes of a head that has not learnt anything."""
    guided = [name for name in options.routings if find("routings", name).guided]
    if guided and options.start is None:
        raise InputError(
            f"the model has random weights, so its mistakes cannot guide the routing {guided[0]}; "
            "give --routing end-to-end, or with --checkpoint weights that it was trained to",
            code="input.option",
            name="routings",
            given=guided[0],
        )
    if guided:
        raise InputError(
            f"the head of checkpoint {options.start} has other classes and starts fresh, so its "
            f"mistakes cannot guide the routing {guided[0]}; train the dense model first with "
            "--dense-epochs, or give --routing end-to-end",
            code="input.option",
            name="dense_epochs",
            given=0,
        )
