"""The state of a phase after an epoch: one safetensors file, no pickle.

There is no random state to keep: order and augmentation are functions of (seed, epoch, image), and
what a model draws while it trains begins anew in each epoch.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from mvmoe_deploy.errors import CheckpointError, InputError, OutputError
from mvmoe_deploy.models.checkpoints import plain_tensors
from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.system import files

OWNERS = "super-classes.json"
"""What the routed phases are guided by, among the states."""

_KEY = "mvmoe"


@dataclass(frozen=True)
class Position:
    """How far a phase has come: finished epochs, seconds they took, processes they ran on.

    And the first epoch whose accuracy of the held-out images was the highest, with it.
    """

    epoch: int
    seconds: float
    processes: int
    best_epoch: int = 0
    best_accuracy: float = -1.0

    def after(self, accuracy: float, seconds: float) -> "Position":
        """With one epoch more, which took `seconds` and ended with this accuracy."""
        epoch, better = self.epoch + 1, accuracy > self.best_accuracy
        return Position(
            epoch=epoch,
            seconds=self.seconds + seconds,
            processes=self.processes,
            best_epoch=epoch if better else self.best_epoch,
            best_accuracy=accuracy if better else self.best_accuracy,
        )

    def waited(self, patience: int) -> bool:
        """Whether so many epochs in a row were no better; never with a patience of 0."""
        return 0 < patience <= self.epoch - self.best_epoch


@dataclass
class Learner:
    """What learns in a phase; its tensors are the phase's state."""

    model: FamilyModel
    optimizer: torch.optim.Optimizer
    average: AveragedModel | None
    best: dict[str, Tensor] | None = None
    """The weights that were the best on the held-out images so far, where they are kept."""

    def keep(self) -> None:
        """Keep the weights that count now as the best."""
        state = self.evaluated.state_dict()
        self.best = {name: tensor.detach().clone() for name, tensor in state.items()}

    @property
    def evaluated(self) -> FamilyModel:
        """The model whose figures count: the average where there is one."""
        if self.average is None:
            return self.model
        return cast("FamilyModel", self.average.module)  # AveragedModel holds a copy of `model`

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """All tensors by name: weights, their average, the best ones, the optimizer's moments."""
        for name, tensor in self.model.state_dict().items():
            yield f"model.{name}", tensor
        if self.average is not None:
            for name, tensor in self.average.state_dict().items():
                yield f"average.{name}", tensor
        for name, tensor in (self.best or {}).items():
            yield f"best.{name}", tensor
        for index, values in self.optimizer.state_dict()["state"].items():
            for name, tensor in values.items():
                yield f"optimizer.{index}.{name}", tensor

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over tensors that `tensors` gave; raises KeyError or RuntimeError if they differ."""
        self.model.load_state_dict(_below(tensors, "model."))
        if self.average is not None:
            self.average.load_state_dict(_below(tensors, "average."))
        self.best = _below(tensors, "best.") or None
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _below(tensors, "optimizer.").items():
            index, key = name.split(".", 1)
            moments.setdefault(int(index), {})[key] = tensor
        # An expert that has had no image yet has no moments: their absence is part of the state.
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def save_state(path: Path, learner: Learner, position: Position) -> None:
    """Write the state in one step; raises OutputError if that is not possible."""
    tensors = plain_tensors(learner.tensors())
    metadata = {_KEY: json.dumps(vars(position))}
    try:
        files.write_file(
            path, lambda partial: save_file(tensors, partial, metadata), foreign_to_state
        )
    except SafetensorError as error:
        # safetensors has its own class for what the system refuses.
        raise OutputError(
            f"{path} could not be written ({error}); free some space and resume the run",
            path=str(path),
        ) from error


def read_position(path: Path) -> Position | None:
    """How far the state at `path` has come; None if there is none that can be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return Position(**json.loads(file.metadata()[_KEY]))
    except (SafetensorError, OSError, ValueError, TypeError, KeyError):
        return None


def foreign_to_state(path: Path) -> str | None:
    """Why a file is no training state that may be replaced; None if it is one."""
    return "is no training state" if read_position(path) is None else None


def load_state(path: Path, learner: Learner, processes: int) -> Position:
    """Continue from the state at `path`; epoch 0 if there is none.

    Raises CheckpointError if it is damaged, InputError if it is of another number of processes.
    """
    if not path.exists():
        return Position(0, 0.0, processes)
    try:
        with safe_open(path, framework="pt") as file:
            position = Position(**json.loads(file.metadata()[_KEY]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        learner.load(tensors)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"training state {path} is damaged or of another model ({error}); remove it to begin "
            "this phase again",
            code="resume.damaged",
            path=str(path),
        ) from error
    if position.processes != processes:
        raise InputError(
            f"the run was started on {position.processes} processes and is resumed on "
            f"{processes}, which would change its result; give as many as before",
            code="resume.mismatch",
            name="processes",
            expected=position.processes,
            found=processes,
        )
    return position


def write_owners(path: Path, owners: Mapping[str, np.ndarray | None]) -> None:
    """Write the super-classes `[C]` of each routing in one step; raises OutputError."""
    plain = {name: None if owner is None else owner.tolist() for name, owner in owners.items()}
    text = json.dumps(plain) + "\n"
    files.write_file(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def read_owners(
    path: Path, routings: Sequence[str], classes: int
) -> dict[str, np.ndarray | None] | None:
    """What `write_owners` wrote; None if it has not been written yet.

    Raises CheckpointError if the file is damaged.
    """
    if not path.exists():
        return None
    try:
        plain = msgspec.json.decode(path.read_bytes(), type=dict[str, list[int] | None])
        owners = {name: plain[name] for name in routings}
        if any(owner is not None and len(owner) != classes for owner in owners.values()):
            raise ValueError(f"expected {classes} classes")
    except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}), and the routers were trained with it; train in "
            "another directory",
            code="resume.damaged",
            path=str(path),
        ) from error
    return {
        name: None if owner is None else np.asarray(owner, dtype=np.int64)
        for name, owner in owners.items()
    }


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it."""
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}
