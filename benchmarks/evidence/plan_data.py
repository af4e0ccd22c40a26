"""The plan as plain data: which models are trained on what, and for how long.

Sizes are chosen so that five seeds of all take some hours of one core, and so that the models have
too little capacity for the data: what a router can be worth is seen where the dense model is small.
"""

import re
from pathlib import Path
from typing import Any

from evidence.cases import Case, Cell, Size
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.training.data import class_names

DENSE = Cell(name="dense", title="dense, the start of all", kind="dense", phases=("dense",))
FURTHER = Cell(name="dense-further", title="dense, trained further", kind="dense")
WHOLE = Cell(name="dense-whole", title="dense, in one schedule", kind="dense", phases=("whole",))

_IN_GRAPH = {"strategy": "gather", "routers": "in-graph"}


def mobile_vmoe(routing: str, experts: int, k: int) -> Cell:
    """A Mobile V-MoE with two MoE layers."""
    return Cell(
        name=f"{routing}-e{experts}-k{k}",
        title=f"Mobile V-MoE, {routing}, E = {experts}, k = {k}",
        kind=f"Mobile V-MoE, {routing}",
        family="mobile_vmoe",
        fields={"experts": experts, "moe_layers": 2, "top_k": k},
        routing=routing,
    )


def uoe(name: str, title: str, export: dict[str, Any] | None = None, **fields: Any) -> Cell:
    """A Union of Experts of which half is active."""
    return Cell(
        name=f"uoe-{name}",
        title=f"UoE, {title}",
        kind="UoE",
        family="uoe",
        fields={"experts": 4, "top_k": 2, **fields},
        routing="end-to-end",
        export=export or {},
        cut=True,
    )


UOE = (
    uoe("images", "images, one router"),
    uoe("blocks", "images, a router for each part", _IN_GRAPH, routers="per-block"),
    uoe("tokens", "tokens", selection="per-token"),
)
ROUTINGS = tuple(
    mobile_vmoe(routing, 10, k)
    for k in (1, 2)
    for routing in ("super-class", "end-to-end", "random")
)
ABLATION = tuple(mobile_vmoe("super-class", experts, 1) for experts in (2, 4, 6, 8))
# With ten experts for ten classes each class has its own, whatever guides the router: what
# super-classes are worth beside random ones is seen with fewer.
CONTROLS = tuple(mobile_vmoe(routing, 4, 1) for routing in ("end-to-end", "random"))

PEERS = (
    *(
        Cell(
            name=f"vmoe-e10-k{k}",
            title=f"V-MoE, E = 10, k = {k}",
            kind="V-MoE",
            family="vmoe",
            fields={"experts": 10, "moe_layers": 2, "top_k": k},
            routing="end-to-end",
        )
        for k in (1, 2)
    ),
    # Two slots of each expert are 16 for 17 tokens: about the dense model's multiply-accumulates.
    Cell(
        name="soft-moe-e8",
        title="Soft MoE, E = 8, two slots each",
        kind="Soft MoE",
        family="soft_moe",
        fields={"experts": 8, "moe_layers": 2, "slots": 2},
        routing="end-to-end",
    ),
)


def vit(width: int, classes: int) -> ViTConfig:
    """A ViT of four layers for images of 28 x 28 pixels, in patches of 7."""
    return ViTConfig(
        image_size=28,
        patch_size=7,
        in_channels=1,
        num_classes=classes,
        width=width,
        depth=4,
        heads=4,
    )  # fmt: skip


def _size(width: int, classes: int, *cells: Cell) -> Size:
    return Size(name=f"4x{width}", dense=vit(width, classes), cells=cells)


_SIZES = (DENSE, FURTHER, mobile_vmoe("super-class", 10, 1))
"""What is trained at the other sizes, for curves."""

CASES = (
    Case(
        name="fashion-mnist",
        title="Fashion-MNIST",
        data="fashion-mnist",
        dense_epochs=6,
        more_epochs=4,
        sizes=(
            _size(32, 10, DENSE, FURTHER, WHOLE, *ROUTINGS, *ABLATION, *CONTROLS, *UOE, *PEERS),
            _size(16, 10, *_SIZES),
            _size(64, 10, *_SIZES),
        ),
    ),
    Case(
        name="glyphs",
        title="Glyphs of eight scripts",
        data="glyphs",
        dense_epochs=10,
        more_epochs=5,
        sizes=(
            _size(
                32, 96, DENSE, FURTHER, mobile_vmoe("super-class", 8, 1),
                mobile_vmoe("super-class", 8, 2), mobile_vmoe("end-to-end", 8, 1),
                mobile_vmoe("random", 8, 1), *UOE,
            ),
            _size(16, 96, DENSE, FURTHER),
            _size(64, 96, DENSE, FURTHER),
        ),
    ),
)  # fmt: skip


def of_folder(folder: Path) -> Case:
    """An image folder, as `mvmoe train` has it; raises InputError for one that it is not."""
    classes = len(class_names(str(folder)))
    dense = ViTConfig(image_size=64, patch_size=16, num_classes=classes, width=64, depth=4, heads=4)
    experts = min(8, classes)
    cells = (DENSE, FURTHER, mobile_vmoe("super-class", experts, 1), *UOE)
    return Case(
        name=_file_name(folder),
        title=f"The image folder {folder.resolve().name}",
        data=str(folder),
        dense_epochs=20,
        more_epochs=10,
        sizes=(Size(name="4x64", dense=dense, cells=cells),),
        recipe={"batch_size": 128, "lr": 2e-3, "warmup": 0.1, "ema": 0.99},
    )


def _file_name(folder: Path) -> str:
    """A name for the results of a folder, of letters that every file system has."""
    return "folder-" + re.sub(r"[^A-Za-z0-9_-]+", "-", folder.resolve().name).strip("-").lower()


COMPARED = (
    ("super-class-e10-k1", "dense-further"),
    ("super-class-e10-k2", "dense-further"),
    ("super-class-e10-k1", "end-to-end-e10-k1"),
    ("super-class-e10-k2", "end-to-end-e10-k2"),
    ("super-class-e4-k1", "end-to-end-e4-k1"),
    ("super-class-e4-k1", "random-e4-k1"),
    ("super-class-e8-k1", "dense-further"),
    ("super-class-e8-k1", "end-to-end-e8-k1"),
    ("super-class-e8-k1", "random-e8-k1"),
    ("vmoe-e10-k1", "super-class-e10-k1"),
    ("soft-moe-e8", "super-class-e10-k1"),
    ("soft-moe-e8", "dense-further"),
    ("uoe-images", "dense-further"),
    ("uoe-tokens", "uoe-images"),
    ("dense-whole", "dense-further"),
)
"""Pairs of models that the page says a sentence of, at the main size, where both are there."""


SHORT = (
    Case(
        name="digits",
        title="Digits, the short form",
        data="digits",
        dense_epochs=1,
        more_epochs=1,
        recipe={"batch_size": 256, "ema": 0.0},
        sizes=(
            Size(
                name="2x16",
                dense=ViTConfig(
                    image_size=8, patch_size=4, in_channels=1, num_classes=10, width=16, depth=2,
                    heads=4,
                ),
                cells=(DENSE, FURTHER, mobile_vmoe("super-class", 4, 1), UOE[0]),
            ),
        ),
    ),
)  # fmt: skip
"""One size and few steps of some models: whether the command works."""
