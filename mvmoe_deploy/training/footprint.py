"""What a run will write: checkpoints of all its models, and the training state of each phase."""

from pathlib import Path

import torch
from torch import nn

from mvmoe_deploy.models.families import build, find_family
from mvmoe_deploy.system.space import require_space
from mvmoe_deploy.training.run_directory import STATE
from mvmoe_deploy.training.train_options import TrainOptions

_SMALL_FILES = 1_000_000
"""Bytes for the report, the picture and the metrics."""


def require_room(options: TrainOptions, out: Path) -> None:
    """Refuse a run whose checkpoints and states do not fit on the disk; raises OutputError.

    What an interrupted run has written already is not counted again.
    """
    have = sum(path.stat().st_size for path in _written(options, out) if path.is_file())
    require_space(out, max(0, run_bytes(options) - have), f"training in {out}")


def run_bytes(options: TrainOptions) -> int:
    """Bytes that a run holds at its peak: while a phase's last state replaces the one before it.

    States stay until the run ends; a phase's checkpoint is written after its last state.
    """
    # On the device without memory: only the sizes matter.
    with torch.device("meta"):
        config = options.config
        dense = _bytes(build(find_family(config.family).dense(config)))
        routed = _bytes(build(config))
    # Weights and AdamW's two moments; the averaged weights if there are any.
    learnt = 3 + (options.ema > 0)
    held = peak = 0
    phases = [
        (dense, options.dense_epochs),
        *[(routed, options.moe_epochs)] * len(options.routings),
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
