"""What a run will write: checkpoints of all its models, and the training state of each phase."""

from pathlib import Path

import torch
from torch import nn

from mvmoe_deploy.models.families import build, family_of
from mvmoe_deploy.system.space import require_space
from mvmoe_deploy.training.run_directory import STATE
from mvmoe_deploy.training.train_options import TrainOptions

_SMALL_FILES = 1_000_000
"""Bytes for the report, the picture and the metrics."""


def require_room(options: TrainOptions, out: Path, routed: nn.Module | None = None) -> None:
    """Refuse a run whose checkpoints and states do not fit on the disk; raises OutputError.

    `routed` is the routed model, where it is there already. What an interrupted run has written
    already is not counted again.
    """
    have = sum(path.stat().st_size for path in _written(options, out) if path.is_file())
    require_space(out, max(0, run_bytes(options, routed) - have), f"training in {out}")


def run_bytes(options: TrainOptions, routed: nn.Module | None = None) -> int:
    """Bytes that a run holds at its peak: while a phase's last state replaces the one before it.

    States stay until the run ends; a phase's checkpoint is written after its last state.
    """
    config, family = options.config, family_of(options.config)
    # On the device without memory: only the sizes matter.
    with torch.device("meta"):
        dense = _bytes(build(family.dense(config))) if family.has_twin else 0
        routed_bytes = _bytes(build(config) if routed is None else routed)
    # Weights and AdamW's two moments; the averaged weights and the best ones if there are any.
    learnt = 3 + (options.ema > 0) + (options.patience > 0)
    held = peak = 0
    phases = [
        (dense, options.dense_epochs),
        *[(routed_bytes, options.moe_epochs)] * len(options.routings),
    ]
    for model, epochs in phases:
        copies = learnt if epochs else 0
        peak = max(peak, held + 2 * copies * model)
        held += (copies + 1) * model
    return max(peak, held) + _SMALL_FILES


def _written(options: TrainOptions, out: Path) -> list[Path]:
    """The large files of a run, whether they are there or not."""
    names = ("dense", *options.routings)
    return [out / name / "model.safetensors" for name in names] + [
        out / STATE / f"{name}.safetensors" for name in names
    ]


def _bytes(model: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
