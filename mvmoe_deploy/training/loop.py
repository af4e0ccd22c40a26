"""The epochs of one phase: steps, schedule, average, evaluation, state. The same for all phases."""

import contextlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.errors import CheckFailedError
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families import family_of, seeded
from mvmoe_deploy.training.batches import Batches
from mvmoe_deploy.training.data import Split
from mvmoe_deploy.training.evaluation import Tally, tally
from mvmoe_deploy.training.launch import gathered
from mvmoe_deploy.training.losses import Objective
from mvmoe_deploy.training.metrics_log import METRICS, MetricsLog
from mvmoe_deploy.training.optimization import adamw, lr_at, moving_average
from mvmoe_deploy.training.router_watch import RouterWatch, judged_routers
from mvmoe_deploy.training.state import Learner, Position, load_state, save_state
from mvmoe_deploy.training.train_options import TrainOptions
from mvmoe_deploy.training.training_progress import Progress

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule


@dataclass(frozen=True)
class Phase:
    """A model to train: its name in metrics and states, its length, and what it minimises."""

    name: str
    model: FamilyModel
    epochs: int
    objective: Objective
    owner: np.ndarray | None = None
    """Super-class of each class `[C]` if the router has a guide."""
    remedy: str = ""
    """What to change where its routers collapse (`TrainingRouting.remedy`)."""


class Trainer:
    """Trains phases of one run on this process."""

    def __init__(
        self,
        fabric: "Fabric",
        options: TrainOptions,
        batches: Batches,
        out: Path,
        progress: Progress,
    ) -> None:
        self.fabric = fabric
        self.options = options
        self.batches = batches
        self.states = out / "state"
        self.log = MetricsLog(out / METRICS)
        self.progress = progress

    def fit(self, phase: Phase) -> Position:
        """Train `phase.model` in place, from its saved state if there is one.

        Raises CheckFailedError when the loss stops being a number.
        """
        module, learner = self._prepare(phase)
        state = self.states / f"{phase.name}.safetensors"
        position = load_state(state, learner, self.fabric.world_size)
        watch = self._begin(phase, position)
        patience = self.options.patience
        while position.epoch < phase.epochs and not position.waited(patience):
            began = time.perf_counter()
            epoch = position.epoch + 1
            with seeded(self.batches.model_seed(epoch)):
                losses = self._epoch(phase, module, learner, epoch)
            result = self.evaluate(learner.evaluated, self.batches.data.held_out)
            routers = judged_routers(result, phase.model.routing)
            record = self._record(phase, learner, epoch, losses, result)
            record |= {"routers": [stage.verdict for stage in routers]} if routers else {}
            position = position.after(result.accuracy, time.perf_counter() - began)
            if patience and position.best_epoch == epoch:
                learner.keep()
            if self.fabric.is_global_zero:
                # The log first: `rewind` can drop a line without a state, not invent one.
                self.log.write({**record, "seconds": round(position.seconds, 3)})
                save_state(state, learner, position)
                self.progress.epoch(record)
                for line in watch.lines(epoch, routers):
                    self.progress.warn(line)
        self._take_over(phase, learner, position)
        return position

    def _take_over(self, phase: Phase, learner: Learner, position: Position) -> None:
        """Give the model the weights that count: the best ones, their average, or its own."""
        if learner.best is not None:
            phase.model.load_state_dict(learner.best)
        elif learner.average is not None:
            phase.model.load_state_dict(learner.evaluated.state_dict())
        if self.fabric.is_global_zero and position.epoch < phase.epochs:
            self.progress.note(
                f"{phase.name} ended after epoch {position.epoch} of {phase.epochs}: the accuracy "
                f"of the held-out images has not risen since epoch {position.best_epoch}, whose "
                "weights are kept"
            )

    def evaluate(self, model: FamilyModel, split: Split) -> Tally:
        """What `model` does with all images of `split`, each counted once, on every process."""
        own_share = tally(model, self.batches.evaluation(split), self.fabric.device)
        total = Tally.empty(model)
        for part in gathered(self.fabric, own_share):
            total.add(part)
        return total

    def _prepare(self, phase: Phase) -> tuple[FamilyModel, Learner]:
        """The model as Fabric wraps it, and what learns inside."""
        left_out = family_of(phase.model.config).without_decay
        optimizer = adamw(phase.model, self.options.lr, self.options.weight_decay, left_out)
        module, _ = self.fabric.setup(phase.model, optimizer)
        module.mark_forward_method("forward_routed")
        average = moving_average(phase.model, self.options.ema)
        # Fabric's wrapper passes the methods of the model on.
        return cast("FamilyModel", module), Learner(phase.model, optimizer, average)

    def _begin(self, phase: Phase, position: Position) -> RouterWatch:
        """Say where the phase begins; what watches its routers."""
        watch = RouterWatch(phase.name, phase.remedy)
        if self.fabric.is_global_zero:
            self.log.rewind(phase.name, position.epoch)
            watch.know(self.log.read() if position.epoch else ())
            self.progress.phase(phase.name, phase.epochs, position.epoch)
        return watch

    def _epoch(
        self, phase: Phase, module: FamilyModel, learner: Learner, epoch: int
    ) -> dict[str, float]:
        """Train one epoch; the mean of each loss over its steps and all processes."""
        total: dict[str, Tensor] = {}
        for index, (images, labels) in enumerate(self.batches.training(epoch)):
            self._set_lr(phase, learner, (epoch - 1) * self.batches.steps + index)
            for name, value in self._losses(phase, module, images, labels).items():
                total[name] = total.get(name, 0.0) + value
            self._step(module, learner)
            if self.fabric.is_global_zero:
                self.progress.step(1 / self.batches.steps)
        self._share_statistics(module)
        return self._means(phase, total, epoch)

    def _share_statistics(self, module: FamilyModel) -> None:
        """Give every process the first one's buffers: norms count on their own shares."""
        if self.fabric.world_size > 1:
            for buffer in module.buffers():
                buffer.copy_(self.fabric.broadcast(buffer))

    def _losses(
        self, phase: Phase, module: FamilyModel, images: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """The losses of a step's images `[B, C, H, W]`, whose gradients are there then.

        Each part of the images counts by its share, so that the gradient is that of them together,
        where no loss compares images with each other.
        """
        total: dict[str, Tensor] = {}
        parts = min(self.options.accumulate, len(images))
        split = zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True)
        for number, part in enumerate(split, start=1):
            share = len(part[0]) / len(images)
            # Processes add up their gradients once a step; one alone has nothing to skip.
            skips = number < parts and self.fabric.world_size > 1
            # As Fabric wraps it (`_prepare`).
            wrapped = cast("_FabricModule", module)
            with self.fabric.no_backward_sync(wrapped) if skips else contextlib.nullcontext():
                losses = phase.objective(module, *self.fabric.to_device(part))
                self.fabric.backward(losses["loss"] * share if parts > 1 else losses["loss"])
            for name, value in losses.items():
                total[name] = total.get(name, 0.0) + share * value.detach().double()
        return total

    def _step(self, module: FamilyModel, learner: Learner) -> None:
        """One step of gradient descent."""
        if self.options.clip_norm > 0:
            self.fabric.clip_gradients(
                module,
                learner.optimizer,
                max_norm=self.options.clip_norm,
                error_if_nonfinite=False,
            )
        learner.optimizer.step()
        learner.optimizer.zero_grad()
        if learner.average is not None:
            learner.average.update_parameters(learner.model)

    def _set_lr(self, phase: Phase, learner: Learner, step: int) -> None:
        """The learning rate of `step`, counted from the phase's first."""
        lr = lr_at(step, phase.epochs * self.batches.steps, self.options.lr, self.options.warmup)
        for group in learner.optimizer.param_groups:
            group["lr"] = lr

    def _means(self, phase: Phase, total: dict[str, Tensor], epoch: int) -> dict[str, float]:
        """Sums over this process's steps as means over all; refuses what is not finite."""
        values = torch.stack(list(total.values())) / self.batches.steps
        # A tensor comes back as one; Fabric's type allows collections too.
        mean = cast("Tensor", self.fabric.all_reduce(values, reduce_op="mean"))
        means = dict(zip(total, mean.tolist(), strict=True))
        if not all(map(math.isfinite, means.values())):
            raise CheckFailedError(
                f"training diverged in epoch {epoch} of phase {phase.name} (loss "
                f"{means['loss']}); resume is of no use, begin again with a lower learning rate",
                code="training.diverged",
                epoch=epoch,
                phase=phase.name,
            )
        return means

    def _record(
        self, phase: Phase, learner: Learner, epoch: int, losses: dict[str, float], result: Tally
    ) -> dict[str, Any]:
        """The line of an epoch in `metrics.jsonl`; `result` is of the held-out split."""
        record = {
            "phase": phase.name,
            "epoch": epoch,
            "lr": learner.optimizer.param_groups[0]["lr"],
            **losses,
            "held_out_accuracy": result.accuracy,
        }
        if phase.model.routing:
            record["mean_gate"] = result.mean_gate
        if phase.owner is not None:
            record["held_out_router_accuracy"] = result.router_accuracy(phase.owner)
        return record
