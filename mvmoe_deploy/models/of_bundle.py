"""The checkpoint that a bundle was exported from, loaded as it was for the export."""

from pathlib import Path

import msgspec

from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.checkpoints import Checkpoint, load_checkpoint
from mvmoe_deploy.models.model_config import ModelConfig
from mvmoe_deploy.preprocessing import TrainedField
from mvmoe_deploy.preprocessing.resize_rules import RULE_FIELDS

_RULE: tuple[TrainedField, ...] = ("resize", *RULE_FIELDS)
"""Fields that mean something only together."""


def load_for_bundle(
    path: Path, manifest: Manifest, config: ModelConfig | None = None, weights: str | None = None
) -> Checkpoint:
    """The checkpoint at `path` with the weights and the input that the bundle was exported with.

    What an option stated at the export, and what was a default then, is in the manifest and not in
    the checkpoint. `weights` goes before the manifest's. Raises CheckpointError as
    `load_checkpoint`.
    """
    loaded = load_checkpoint(path, config, weights=weights or manifest.source.weights)
    origins = manifest.source.input
    names = {name for name, origin in origins.items() if origin != "checkpoint"}
    names |= set(_RULE) if names & set(_RULE) else set()
    fields = {name: getattr(manifest.input, name) for name in names}
    try:
        loaded.model.input = msgspec.structs.replace(loaded.model.input, **fields)
    except InputError as error:
        raise CheckpointError(
            f"checkpoint {path} does not go with the input of the bundle: {error}",
            code="checkpoint.other-model",
        ) from error
    return loaded
