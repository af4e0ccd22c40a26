"""Checkpoints: a model's weights and everything needed to rebuild and feed it. No pickle.

Four forms are read: a directory with `config.json` and `model.safetensors`; one `.safetensors`
file with the same JSON in its metadata; a directory as timm puts it on a hub; a state dict in a
file of PyTorch (read with `weights_only=True`) or of safetensors, whose configuration is given
beside it. The first two are written.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mvmoe_deploy.errors import CheckpointError
from mvmoe_deploy.models.checkpoint_header import (
    FORMAT,
    MAX_CONFIG_BYTES,
    VERSION,
    Header,
    check_header,
    described_config,
    described_facts,
    described_input,
    ignored_config,
    input_notes,
    read_description,
)
from mvmoe_deploy.models.class_parameters import with_classes_of
from mvmoe_deploy.models.contract import FamilyModel, RoutedModel
from mvmoe_deploy.models.families import build, find_family
from mvmoe_deploy.models.input_choices import InputChoices
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.models.state_dicts import load_weights
from mvmoe_deploy.models.weight_choice import ChosenWeights, choose
from mvmoe_deploy.models.weight_files import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    read_weights,
    set_aside,
    weights_file,
)
from mvmoe_deploy.models.weight_sets import count_tensors
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.strict_json import object_of
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.text import escaped

METADATA_KEY = "mvmoe"

_ALWAYS_BUILT = 4000
"""Tensors of a model that is built without weights just to name the keys that are missing."""


@dataclass
class Checkpoint:
    """A model with what a bundle says about it."""

    model: FamilyModel
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    sha256: str | None = None
    """Of the file or files it was read from; None for a model made in memory."""
    name: str = field(default="model")
    weights: str | None = None
    """Which of several sets of the file its weights are, as `load_checkpoint` takes it."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was read, one line each."""

    @property
    def config(self) -> ModelConfig:
        """The model's configuration."""
        return self.model.config


def save_checkpoint(checkpoint: Checkpoint, path: Path, replace: bool = False) -> None:
    """Write a checkpoint as one file if `path` ends in `.safetensors`, else as a directory.

    Atomic: `path` appears whole or not at all. Raises InputError if it exists and may not be
    replaced: even with `replace` only what this function has written (or what is empty) may be.
    Raises OutputError if it cannot be written.
    """
    path = Path(path)
    require_free(path, replace)
    header = _header_of(checkpoint)
    check_header(header, checkpoint.model, f"the checkpoint for {path}")
    write_weights(header, checkpoint.model, path, replace)


def write_weights(
    header: Header, model: nn.Module | RoutedModel, path: Path, replace: bool = False
) -> None:
    """Write the weights of a module with the JSON beside them, as `save_checkpoint` says."""
    text = msgspec.json.format(msgspec.json.encode(header), indent=2)
    tensors = plain_tensors(model.state_dict().items())
    if path.suffix == ".safetensors":
        metadata = {METADATA_KEY: text.decode()}
        files.write_file(
            path, lambda partial: _write_tensors(tensors, partial, metadata), _replaces(replace)
        )
        return
    with files.new_directory(path, _replaces(replace)) as work:
        (work / CONFIG_FILE).write_bytes(text + b"\n")
        _write_tensors(tensors, work / WEIGHTS_FILE)


def plain_tensors(named: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """Tensors as safetensors stores them: on the CPU, contiguous, none a part of another.

    A module may have one parameter under two names.
    """
    tensors: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, given in named:
        tensor = given.detach().cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        tensors[name] = tensor.clone() if place in places else tensor
        places.add(place)
    return tensors


def require_free(path: Path, replace: bool = False) -> None:
    """Refuse a path that `save_checkpoint` would refuse; raises InputError or OutputError."""
    require = (
        output_places.require_file
        if path.suffix == ".safetensors"
        else output_places.require_directory
    )
    require(path, _replaces(replace))


def foreign_to_checkpoint(path: Path) -> str | None:
    """Why a file or directory is no checkpoint of ours that may be replaced; None if it is one.

    Checkpoints of every version count, damaged weights in a directory too; but it may hold nothing
    else.
    """
    if not path.is_dir():
        ours = object_of(_metadata_of(path)).get("format") == FORMAT
        return None if ours else "is no checkpoint that mvmoe has written"
    header = object_of(output_places.head(path / CONFIG_FILE, MAX_CONFIG_BYTES))
    if header.get("format") != FORMAT:
        return f"is no checkpoint ({output_places.not_ours(path / CONFIG_FILE)})"
    found = output_places.unknown_entry(path, {CONFIG_FILE, WEIGHTS_FILE})
    return None if found is None else f"holds {found}, which is no part of its checkpoint"


def load_checkpoint(
    path: Path,
    config: ModelConfig | None = None,
    *,
    weights: str | None = None,
    choices: InputChoices | None = None,
    any_classes: bool = False,
) -> Checkpoint:
    """Read any of the four forms; `config` is for weights that come without one.

    `weights` names one of several sets in the file. With `any_classes` the number of classes is
    that of the weights, whatever the configuration says. `choices` are a person's, and go before
    what the file states of the input. `notes` of the result says what was chosen, replaced or
    guessed. A family named by the file may be another distribution's. Raises CheckpointError,
    naming the keys or bytes that are wrong, InputError for choices that make no input.
    """
    path = Path(path)
    where = f"checkpoint {path}"
    file = weights_file(path)
    content, metadata = read_weights(file)
    described = read_description(path, metadata.get(METADATA_KEY), content)
    config = described_config(described, config, where)
    _require_plausible(config, count_tensors(content), where)
    if any_classes:
        config = with_classes_of(config, content, weights, where)
    resolved = described_input(described, config, choices or InputChoices(), where)
    # Nothing is allocated before the weights are known to have the shapes of the model.
    with torch.device("meta"):
        model = build(config, resolved.preprocessing, seed=0)
    model.input_origins = resolved.origins
    labels, usage_prior = described_facts(described, model, where)
    chosen = _choose(model, content, weights, where)
    adapted = load_weights(model, chosen.tensors, where)
    notes = (
        set_aside(path),
        ignored_config(path, described),
        *chosen.notes,
        *adapted,
        *input_notes(described, config, resolved),
    )
    return Checkpoint(
        model=model.eval(),
        labels=labels,
        usage_prior=usage_prior,
        sha256=checkpoint_sha256(path, file),
        name=_name(path),
        weights=chosen.name,
        notes=tuple(filter(None, notes)),
    )


def _name(path: Path) -> str:
    """What the model is called: as its path, in text that a bundle can hold whatever the path."""
    return escaped(os.fsencode(path.stem).decode(errors="backslashreplace"))


def _replaces(replace: bool) -> output_places.Foreign | None:
    """What decides whether something may be replaced; None if nothing may be."""
    return foreign_to_checkpoint if replace else None


def _metadata_of(path: Path) -> bytes:
    """Our metadata of a safetensors file; empty if it has none or is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            return metadata.get(METADATA_KEY, "").encode()
    except (SafetensorError, OSError, RuntimeError, ValueError):
        return b""


def _write_tensors(
    tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, readable to whom the umask lets read: its own writer is private."""
    path.write_bytes(save(tensors, metadata))


def _choose(model: FamilyModel, content: Any, weights: str | None, where: str) -> ChosenWeights:
    """The set of tensors in a file that is the model's."""
    expected = model.state_dict()
    fits = find_family(model.config.family).fits
    return choose(
        content,
        frozenset(expected),
        lambda name, tensor: fits(name, tensor, expected[name]),
        weights,
        where,
    )


def _require_plausible(config: ModelConfig, tensors: int, where: str) -> None:
    """Refuse to build a model of far more tensors than there are."""
    if config.least_tensors > max(tensors, _ALWAYS_BUILT):
        raise CheckpointError(
            f"{where} describes a model of at least {config.least_tensors} tensors, but it has "
            f"only {tensors}; give the weights that belong to the configuration",
            code="checkpoint.too-large",
        )


def _header_of(checkpoint: Checkpoint) -> Header:
    """The JSON beside the weights."""
    return Header(
        format=FORMAT,
        version=VERSION,
        family=checkpoint.config.family,
        config=asdict(checkpoint.config),
        preprocessing=checkpoint.model.input,
        labels=checkpoint.labels,
        usage_prior=checkpoint.usage_prior,
        guessed=tuple(
            name for name, origin in checkpoint.model.input_origins.items() if origin == "default"
        ),
    )


def checkpoint_sha256(path: Path, weights: Path) -> str:
    """SHA-256 of a file; of a directory, over its files' names and hashes in order of name."""
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for name in (CONFIG_FILE, weights.name):
        if (path / name).is_file():
            digest.update(f"{name} {files.sha256(path / name)}\n".encode())
    return digest.hexdigest()
