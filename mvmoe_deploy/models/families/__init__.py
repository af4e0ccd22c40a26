"""The model families, one module or package each: found by name, never listed.

`contract.py` says what a family is.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from mvmoe_deploy import part_lookup
from mvmoe_deploy.models.contract import Family, FamilyModel
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.preprocessing import Preprocessing

_KIND = "families"


def find_family(name: str) -> Family[Any, Any]:
    """The family of that name; raises InputError for an unknown one."""
    family: Family[Any, Any] = part_lookup.find(_KIND, name)
    return family


def family_of(config: ModelConfig) -> Family[Any, Any]:
    """The family of a configuration: the one of its name, or the one that it brings."""
    family: Family[Any, Any] | None = config.made_by
    return find_family(config.family) if family is None else family


def families() -> Iterator[Family[Any, Any]]:
    """All families: the built-in ones first, those of plug-ins only if more are asked for."""
    built_in = part_lookup.built_in_names(_KIND)
    yield from map(find_family, built_in)
    yield from (find_family(name) for name in part_lookup.names(_KIND) if name not in built_in)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """PyTorch's generator of the CPU begins at `seed`; afterwards it goes on where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def build(
    config: ModelConfig, preprocessing: Preprocessing | None = None, seed: int | None = None
) -> FamilyModel:
    """A model with random weights; `seed` makes them repeatable without touching the global RNG."""
    family = family_of(config)
    with contextlib.nullcontext() if seed is None else seeded(seed):
        model: FamilyModel = family.build(config, preprocessing)
    return model
