"""What is compared: data sets, sizes of models, and the models of each."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from mvmoe_deploy.models.families import find_family
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.models.model_config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One model of the comparison: what it is, and how it is trained and exported."""

    name: str
    """Of its results' files."""
    title: str
    """In tables."""
    kind: str
    """Its row of the legend: models of one kind have one colour in the pictures."""
    family: str | None = None
    """None for the dense model."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Of the family's configuration, beside those of the dense model."""
    routing: str | None = None
    """How its routers learn; None for the dense model."""
    phases: tuple[str, ...] = ("dense", "more")
    """Of the dense model: the phases that it has been trained for, `dense` and `more`, or `whole`,
    which is both as one."""
    export: Mapping[str, Any] = field(default_factory=dict)
    """Options of `export_bundle` for its latency."""
    cut: bool = False
    """Whether the row before fine-tuning is of interest: the model is a part of the dense one."""

    @property
    def is_dense(self) -> bool:
        """Whether it is the dense model, for however many steps it is trained."""
        return self.family is None

    @property
    def is_reference(self) -> bool:
        """Whether it is the dense model of as many steps, which others are compared with."""
        return self.is_dense and self.phases == ("dense", "more")

    @property
    def graphs(self) -> str:
        """What cells share whose graphs are alike, whatever their weights."""
        told = msgspec.json.encode([self.family, dict(self.fields), dict(self.export)])
        return hashlib.sha256(told).hexdigest()

    def config(self, dense: ViTConfig) -> ModelConfig:
        """The configuration for a dense model's sizes; raises InputError for an unknown family."""
        if self.family is None:
            return dense
        config: ModelConfig = find_family(self.family).config(**asdict(dense), **self.fields)
        return config


@dataclass(frozen=True, kw_only=True)
class Size:
    """A dense model, and the models that are made of it."""

    name: str
    dense: ViTConfig
    cells: tuple[Cell, ...]

    @cached_property
    def by_name(self) -> dict[str, Cell]:
        """The cells by their names."""
        return {cell.name: cell for cell in self.cells}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A data set, how long its models are trained, and the sizes of them."""

    name: str
    title: str
    data: str
    """As `mvmoe train --data` has it."""
    dense_epochs: int
    """Of the dense model that all others start from."""
    more_epochs: int
    """Of each of the others, the dense model that is trained further included."""
    sizes: tuple[Size, ...]
    """The first is the one that all models are compared at."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Options of the training that are not those that suit the data."""


@dataclass(frozen=True)
class Piece:
    """One model of one seed: the unit of work."""

    case: Case
    size: Size
    cell: Cell
    seed: int

    @property
    def name(self) -> str:
        """Of the file of its result, without an ending."""
        return f"{self.case.name}/{self.size.name}/{self.cell.name}.seed-{self.seed}"

    @property
    def base(self) -> "Piece | None":
        """What it starts from, the dense model of its seed; None for what starts from nothing."""
        if self.cell.is_dense and not self.cell.is_reference:
            return None
        first = next(cell for cell in self.size.cells if cell.phases == ("dense",))
        return Piece(self.case, self.size, first, self.seed)


def pieces(cases: tuple[Case, ...], seeds: tuple[int, ...]) -> Iterator[Piece]:
    """All pieces in the plan's order: every model of the first seed, then of the next."""
    for seed in seeds:
        for case in cases:
            for size in case.sizes:
                yield from (Piece(case, size, cell, seed) for cell in size.cells)
