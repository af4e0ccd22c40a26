"""The paper's three steps as one resumable run: dense baseline, super-classes, routed models."""

import copy
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.checkpoints import require_free
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families import family_of, seeded
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.routing.choices import router_of
from mvmoe_deploy.system import output_places
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.data import ImageData, Split, load_data
from mvmoe_deploy.training.evaluation import Tally
from mvmoe_deploy.training.footprint import require_room
from mvmoe_deploy.training.heat_map import draw_class_to_expert, foreign_to_picture
from mvmoe_deploy.training.image_places import require_apart
from mvmoe_deploy.training.inventory import (
    DataChange,
    Inventory,
    foreign_to_inventory,
    with_recorded_splits,
)
from mvmoe_deploy.training.launch import launch, processes_of, require_devices
from mvmoe_deploy.training.loop import Phase, Trainer
from mvmoe_deploy.training.losses import Objective
from mvmoe_deploy.training.metrics_log import METRICS, foreign_to_metrics
from mvmoe_deploy.training.requirements import require_packages
from mvmoe_deploy.training.router_watch import judged_routers
from mvmoe_deploy.training.routings.contract import TrainingRouting
from mvmoe_deploy.training.run_directory import (
    IMAGES,
    REPORT,
    STATE,
    accepted_images,
    known_images,
    locked_run_directory,
    record_start,
    require_same,
)
from mvmoe_deploy.training.starting_weights import (
    StartingModels,
    fitted_start,
    read_start,
    stated_input,
)
from mvmoe_deploy.training.state import OWNERS, read_owners, read_position, write_owners
from mvmoe_deploy.training.survey import survey
from mvmoe_deploy.training.train_options import TrainOptions
from mvmoe_deploy.training.training_progress import Progress, terminal_progress
from mvmoe_deploy.training.training_report import (
    DenseReport,
    RoutingReport,
    TrainedEpochs,
    TrainReport,
    read_report,
    write_report,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

DENSE = "dense"
PICTURE = "class_to_expert.png"


def train(
    options: TrainOptions,
    out: Path,
    *,
    resume: bool = False,
    accept_changed_data: bool = False,
    progress: Progress | None = None,
    batches: type[Batches] = Batches,
) -> TrainReport:
    """Train a dense twin and the routed models that `options` names, in the directory `out`.

    With `resume` a run that was interrupted in `out` continues after its last whole epoch and
    ends, on the same number of CPU processes, with the very weights of an uninterrupted one; a
    finished run gives its report; an empty or missing `out` begins one. Ctrl-C leaves a run that
    can be resumed. `progress` defaults to bars if stderr is a terminal, else to a line
    a minute. Several machines need
    `out` on a file system that they share. `batches` are made of the images by a class that gives
    the same as `Batches`, such as one that many runs share.

    All images are checked first. With `accept_changed_data` a run goes on although some of them
    are not what they were when it began (see `docs/training.md`).

    A run that starts from a checkpoint takes its weights: a dense model is the dense twin, which is
    trained further only if there are dense epochs; a routed model is what every routed phase begins
    with.

    Raises InputError for data, options or a directory that cannot be used, CheckpointError for a
    checkpoint that cannot be read or has layers that do not fit, ImageError for images that cannot
    be read, CheckFailedError if the training diverges, OutputError if nothing can be
    written or the disk has too little space, MissingExtraError without the `train` extra.
    """
    if accept_changed_data and not resume:
        raise InputError(
            "--accept-changed-data goes with --resume; give both, or neither",
            code="input.option",
            name="accept_changed_data",
        )
    require_packages()
    require_devices(options)
    require_apart(options.data, Path(out))
    _require_apart_from_start(options, Path(out))
    checkpoint = read_start(options)
    stated = stated_input(checkpoint, options.config)
    data = load_data(options.data, options.config, options.input, stated)
    _require_fit(options, data)
    start = fitted_start(checkpoint, options, data)
    # Before any process is started: each of them would find the same fault.
    batches(data, options.batch_size, options.seed, processes=processes_of(options))
    run = TrainingRun(options, data, start, Path(out), resume, accept_changed_data, batches)
    launch(options, partial(_run_process, run=run, progress=progress or terminal_progress()))
    # Read, not returned: the processes of the run may be others than this one.
    return read_report(run.out / REPORT)


def _require_apart_from_start(options: TrainOptions, out: Path) -> None:
    """Refuse to train in, or around, the checkpoint that the run starts from."""
    if options.start is not None:
        output_places.refuse_overlap([out], [Path(options.start)])


def _require_fit(options: TrainOptions, data: ImageData) -> None:
    """Refuse a model whose classes or experts the data cannot give; raises InputError."""
    config, classes = options.config, len(data.classes)
    _require_kind(config, data, options.data)
    if config.num_classes != classes:
        raise InputError(
            f"the model has {config.num_classes} classes, but {options.data} has {classes}; give "
            f"one with {classes} (num_classes of a configuration)",
            code="model.config-invalid",
            name="num_classes",
            expected=classes,
            found=config.num_classes,
        )
    for stage, rule in enumerate(config.routing, start=1):
        if router_of(rule) is None:
            raise InputError(
                f"routed stage {stage} of the configuration has no router ({rule.describe()}), and "
                "a training has no caller; give it a rule of a router, or train the model with "
                "code of your own and export it with mvmoe export --model",
                code="model.config-invalid",
                name="routing",
            )
    guided = [name for name in options.routings if _routing(name).guided]
    if guided and not config.routing:
        raise InputError(
            f"the routing {guided[0]} guides images to experts, but images have no routes in this "
            f"{config.family}: it selects inside; give --routing end-to-end",
            code="input.option",
            name="routings",
            given=guided[0],
        )
    if guided and not find_kind(data.kind).classifies:
        raise InputError(
            f"the routing {guided[0]} guides each image to the expert of its class, but an image "
            f"of {options.data} has no class of its own; give --routing end-to-end",
            code="input.option",
            name="routings",
            given=guided[0],
        )
    experts = _super_class_count(config)
    if experts > classes and guided:
        raise InputError(
            f"{experts} experts cannot each own one of the {classes} classes of {options.data}; "
            f"give --experts {classes} or fewer, or --routing end-to-end, which gives no expert "
            "classes of its own",
            code="model.config-invalid",
            name="experts",
            found=experts,
        )


def _require_kind(config: ModelConfig, data: ImageData, name: str) -> None:
    """Refuse data whose labels say nothing of the model's answers; raises InputError."""
    answers = family_of(config).answers(config)
    if answers != data.kind:
        raise InputError(
            f"a {config.family} gives {answers}, but the labels of {name} are of {data.kind}; give "
            "data with labels of that kind, or a preset of a model that gives such answers",
            code="model.config-invalid",
            name="family",
            expected=data.kind,
            found=answers,
        )


def _super_class_count(config: ModelConfig) -> int:
    """As many super-classes as each router has experts, or the smallest if they differ."""
    return min((rule.experts for rule in config.routing), default=0)


def _by_stage(model: FamilyModel, counted: np.ndarray) -> list[np.ndarray]:
    """What was counted `[S, ..., E]`, for each stage `[..., E]` with the experts that it has."""
    return [found[..., : rule.experts] for found, rule in zip(counted, model.routing, strict=True)]


def _routing(name: str) -> TrainingRouting:
    """The training routing of that name; raises InputError for an unknown one."""
    routing: TrainingRouting = part_lookup.find("routings", name)
    return routing


@dataclass(frozen=True)
class TrainingRun:
    """What every process of a run needs: its request, sent to each of them."""

    options: TrainOptions
    data: ImageData
    start: StartingModels | None
    out: Path
    resume: bool
    accept: bool
    batches: type[Batches]

    @property
    def start_sha256(self) -> str | None:
        """The hash of the checkpoint that the run starts from; None if there is none."""
        return None if self.start is None or self.start.report is None else self.start.report.sha256


def _run_process(fabric: "Fabric", run: TrainingRun, progress: Progress) -> None:
    """One process of the run; only the first one writes, and it begins before the others."""
    if not fabric.is_global_zero:
        fabric.barrier()
        _run_phases(fabric, run, progress)
        fabric.barrier()
        return
    with locked_run_directory(run.out, run.resume):
        require_same(run.out, run.options, run.data.classes, run.start_sha256)
        _require_places(run.out, run.options)
        require_room(run.options, run.out, None if run.start is None else run.start.routed)
        fabric.barrier()
        with progress:
            _run_phases(fabric, run, progress)
        fabric.barrier()


def _require_places(out: Path, options: TrainOptions) -> None:
    """Refuse a directory that has other files where the run would write its own."""
    output_places.require_file(out / REPORT, _any_content)
    if (out / REPORT).exists():
        return
    output_places.require_file(out / IMAGES, foreign_to_inventory)
    output_places.require_file(out / METRICS, foreign_to_metrics)
    output_places.require_file(out / PICTURE, foreign_to_picture)
    for name in (DENSE, *options.routings):
        require_free(out / name, replace=True)
        output_places.require_file(out / STATE / f"{name}.safetensors", _any_content)


def _any_content(path: Path) -> None:
    """Accepts every file: its content is checked when it is read."""


def _run_phases(fabric: "Fabric", run: TrainingRun, progress: Progress) -> None:
    """The images, all phases, then the report, which says that the run is finished."""
    options, out = run.options, run.out
    finished = (out / REPORT).exists()
    data, images = _images(fabric, run, progress, finished)
    if finished:
        return
    if fabric.is_global_zero and run.start is not None and run.start.report is not None:
        for line in run.start.report.notes:
            progress.note(line)
    trainer = Trainer(fabric, options, _batches(fabric, run, data), out, progress)
    report = _Phases(trainer, out, run.start, images.changes).report()
    if fabric.is_global_zero:
        if options.config.routing and options.routings:
            draw_class_to_expert(report, out / PICTURE)
        write_report(report, out / REPORT)


def _images(
    fabric: "Fabric", run: TrainingRun, progress: Progress, finished: bool
) -> tuple[ImageData, Inventory]:
    """Look at all images; the splits to train on, those of the run's beginning if it has begun."""
    options, out = run.options, run.out
    before = known_images(out)
    found = survey(fabric, _batches(fabric, run, run.data), before, progress)
    at = _reached(options, out)
    images = accepted_images(out, found, before, run.accept, at)
    data = with_recorded_splits(run.data, images)
    fabric.barrier()  # Every process has read what the first one is about to write.
    if fabric.is_global_zero and images != before and not finished:
        record_start(out, options, images, run.start_sha256)
    return data, images


def _batches(fabric: "Fabric", run: TrainingRun, data: ImageData) -> Batches:
    """This process's batches of the data."""
    return run.batches(
        data,
        run.options.batch_size,
        run.options.seed,
        rank=fabric.global_rank,
        processes=fabric.world_size,
        workers=run.options.workers,
    )


def _reached(options: TrainOptions, out: Path) -> tuple[str, int]:
    """The last phase that was begun, and its finished epochs."""
    phases = (*([DENSE] if options.dense_epochs else []), *options.routings)
    reached = (phases[0], 0)
    for phase in phases:
        if position := read_position(out / STATE / f"{phase}.safetensors"):
            reached = (phase, position.epoch)
    return reached


class _Phases:
    """The phases of a run and what they leave in its directory."""

    def __init__(
        self,
        trainer: Trainer,
        out: Path,
        start: StartingModels | None,
        changes: tuple[DataChange, ...],
    ) -> None:
        self.trainer = trainer
        self.start = start
        self.changes = changes
        self.options = trainer.options
        self.family = family_of(self.options.config)
        self.data = trainer.batches.data
        self.kind = find_kind(self.data.kind)
        self.out = out
        self.seconds: dict[str, float] = {}
        self.epochs: dict[str, TrainedEpochs] = {}

    def report(self) -> TrainReport:
        """Train everything; what came of it."""
        dense = self._dense_model()
        held_out, dense_report = self._baseline(dense)
        began = time.perf_counter()
        owners = self._owners(held_out)
        self.seconds["super-classes"] = round(time.perf_counter() - began, 3)
        routings = tuple(self._routed(dense, name, owner) for name, owner in owners.items())
        data, fabric = self.data, self.trainer.fabric
        return TrainReport(
            data=self.options.data,
            classes=list(data.classes),
            images={name: len(getattr(data, name)) for name in ("train", "held_out", "test")},
            processes=fabric.world_size,
            device=str(fabric.device.type),
            measure=str(self.kind.accuracy_measure),
            dense=dense_report,
            routings=routings,
            seconds=self.seconds,
            data_changes=self.changes,
            start=None if self.start is None else self.start.report,
        )

    def _dense_model(self) -> FamilyModel | None:
        """Step 1: the trained dense twin; None for a start from a routed model without one."""
        options = self.options
        if self.start is not None:
            model = self.start.dense
        else:
            config = self.family.dense(options.config)
            with seeded(options.seed):
                model = family_of(config).start(config, self.data.preprocessing)
        if model is not None and options.dense_epochs:
            objective = Objective(family_of(model.config), options.label_smoothing)
            self._fit(Phase(DENSE, model, options.dense_epochs, objective))
        return model

    def _baseline(self, dense: FamilyModel | None) -> tuple[Tally, DenseReport | None]:
        """The confusions of step 2, and the report of the dense twin.

        Without a twin they are those of the routed model that the run starts from.
        """
        if dense is None:
            return self._evaluate(self._routed_model(None), self.data.held_out), None
        held_out = self._evaluate(dense, self.data.held_out)
        test = self._evaluate(dense, self.data.test)
        self._save(dense, DENSE, None)
        report = DenseReport(
            checkpoint=DENSE,
            test_accuracy=test.accuracy,
            held_out_accuracy=held_out.accuracy,
            epochs=self.epochs.get(DENSE),
            confusion=held_out.confusion.tolist() if self.kind.classifies else None,
        )
        return held_out, report

    def _evaluate(self, model: FamilyModel, split: Split) -> Tally:
        """What a model does with the images of a split; it need not have been trained here."""
        return self.trainer.evaluate(model.to(self.trainer.fabric.device), split)

    def _owners(self, held_out: Tally) -> dict[str, np.ndarray | None]:
        """The super-classes of every routing; found once, however often the run is resumed.

        The held-out images may have changed since, and with them the communities: a router that
        is half trained would be guided to others.
        """
        path = self.out / STATE / OWNERS
        owners = read_owners(path, self.options.routings, len(self.data.classes))
        if owners is None:
            owners = {name: self._owner(name, held_out) for name in self.options.routings}
        fabric = self.trainer.fabric
        fabric.barrier()  # Every process has looked before the first one writes.
        if fabric.is_global_zero and not path.exists():
            write_owners(path, owners)
        return owners

    def _owner(self, name: str, held_out: Tally) -> np.ndarray | None:
        """Step 2: the super-class of each class `[C]`; None where nothing guides the routers."""
        experts = _super_class_count(self.options.config)
        return _routing(name).super_classes(held_out, experts, self.options.seed)

    def _routed_model(self, dense: FamilyModel | None) -> FamilyModel:
        """What a routed phase begins with: the model that the run starts from, or the twin's."""
        if self.start is not None and self.start.routed is not None:
            return copy.deepcopy(self.start.routed)
        twin = cast("FamilyModel", dense)  # only a start from a routed model has none
        with seeded(self.options.seed):
            model: FamilyModel = self.family.from_dense(twin, self.options.config)
        return model

    def _routed(
        self, dense: FamilyModel | None, routing: str, owner: np.ndarray | None
    ) -> RoutingReport:
        """Step 3 for one routing."""
        options = self.options
        model = self._routed_model(dense)
        # Without routers of images there is nothing that a routing could guide or balance.
        part = _routing(routing)
        router_loss = part.loss(owner, options) if model.routing else None
        objective = Objective(self.family, options.label_smoothing, router_loss)
        remedy = part.remedy(options)
        self._fit(Phase(routing, model, options.moe_epochs, objective, owner, remedy))
        held_out = self._evaluate(model, self.data.held_out)
        test = self._evaluate(model, self.data.test)
        self._save(model, routing, held_out.route_shares or None)
        unseen = copy.deepcopy(held_out)
        unseen.add(test)
        return RoutingReport(
            routing=routing,
            checkpoint=routing,
            test_accuracy=test.accuracy,
            held_out_accuracy=held_out.accuracy,
            epochs=self.epochs[routing],
            router_accuracy=None if owner is None else test.router_accuracy(owner),
            mean_gate=test.mean_gate if model.routing else None,
            route_usage=test.route_shares,
            expert_usage=[shares.tolist() for shares in _by_stage(model, test.expert_shares)],
            super_classes=None if owner is None else self._names(owner),
            class_to_expert=[shares.tolist() for shares in _by_stage(model, test.class_to_expert)],
            routers=judged_routers(unseen, model.routing),
        )

    def _names(self, owner: np.ndarray) -> list[list[str]]:
        """The class names of each expert."""
        names: list[list[str]] = [[] for _ in range(_super_class_count(self.options.config))]
        for name, expert in zip(self.data.classes, owner, strict=True):
            names[expert].append(name)
        return names

    def _fit(self, phase: Phase) -> None:
        """Train a phase, and note its seconds and epochs."""
        position = self.trainer.fit(phase)
        self.seconds[phase.name] = round(position.seconds, 3)
        kept = position.best_epoch if self.options.patience else position.epoch
        self.epochs[phase.name] = TrainedEpochs(
            asked=phase.epochs, trained=position.epoch, kept=kept
        )

    def _save(self, model: FamilyModel, name: str, usage_prior: UsagePrior | None) -> None:
        """Write a checkpoint; a run that was killed here writes the same bytes again."""
        if self.trainer.fabric.is_global_zero:
            family_of(model.config).write_checkpoint(
                model, self.out / name, self.data.classes, usage_prior, replace=True
            )
