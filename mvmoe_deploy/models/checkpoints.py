"""Checkpoints: a model's weights and everything needed to rebuild and feed it. No pickle.

Three forms are read: a directory with `config.json` and `model.safetensors`; one `.safetensors`
file with the same JSON in its metadata; a `.pt`/`.pth` state dict (read with `weights_only=True`),
whose configuration is given beside it. The first two are written.
"""

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mvmoe_deploy import files
from mvmoe_deploy.errors import CheckpointError, InputError
from mvmoe_deploy.models.config import ViTConfig, config_from_dict
from mvmoe_deploy.models.presets import build
from mvmoe_deploy.models.vit import ViT, resample_position_embedding
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import UsagePrior

FORMAT = "mvmoe-checkpoint"
VERSION = 1
_METADATA_KEY = "mvmoe"
_CONFIG_FILE = "config.json"
_WEIGHTS_FILE = "model.safetensors"
_MAX_CONFIG_BYTES = 16 * 2**20
_WRAPPERS = ("model", "state_dict", "model_state_dict")
"""Keys under which training scripts put the state dict."""


class _Header(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The JSON beside the weights."""

    format: str
    version: int
    family: str
    config: dict[str, Any]
    preprocessing: Preprocessing
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None


@dataclass
class Checkpoint:
    """A model with what a bundle says about it."""

    model: ViT
    labels: list[str] | None = None
    usage_prior: UsagePrior | None = None
    sha256: str | None = None
    """Of the file or files it was read from; None for a model made in memory."""
    name: str = field(default="model")

    @property
    def config(self) -> ViTConfig:
        """The model's configuration."""
        return self.model.config


def save_checkpoint(checkpoint: Checkpoint, path: Path, replace: bool = False) -> None:
    """Write a checkpoint as one file if `path` ends in `.safetensors`, else as a directory.

    Atomic: `path` appears whole or not at all. Raises InputError if it exists and may not be
    replaced, OutputError if it cannot be written.
    """
    header = _header_of(checkpoint)
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in checkpoint.model.state_dict().items()
    }
    if path.suffix == ".safetensors":
        if path.exists() and not replace:
            raise InputError(f"{path} exists already; give another path, or --force to replace it")
        metadata = {_METADATA_KEY: json.dumps(header)}
        files.write_file(path, lambda partial: save_file(tensors, partial, metadata))
        return
    with files.new_directory(path, replace) as work:
        (work / _CONFIG_FILE).write_text(json.dumps(header, indent=2) + "\n", encoding="utf-8")
        save_file(tensors, work / _WEIGHTS_FILE)


def load_checkpoint(path: Path, config: ViTConfig | None = None) -> Checkpoint:
    """Read any of the three forms; `config` is for weights that come without one.

    Raises CheckpointError, naming the keys or bytes that are wrong.
    """
    path = Path(path)
    if not path.exists():
        raise CheckpointError(
            f"checkpoint {path} does not exist; give a directory, a .safetensors or a .pt file"
        )
    weights = path / _WEIGHTS_FILE if path.is_dir() else path
    if path.is_dir() and not weights.is_file():
        raise CheckpointError(
            f"checkpoint directory {path} has no {_WEIGHTS_FILE}; expected {_CONFIG_FILE} and "
            f"{_WEIGHTS_FILE}"
        )
    reader = _read_torch if weights.suffix in (".pt", ".pth") else _read_safetensors
    state, metadata = reader(weights)
    header = _read_header(path, metadata)
    if header is None and config is None:
        raise CheckpointError(
            f"checkpoint {path} holds weights without a configuration; name one with --config "
            "PRESET or --config FILE.json"
        )
    if header is not None and config is not None:
        raise CheckpointError(f"checkpoint {path} brings its own configuration; leave --config out")
    return _assemble(path, state, header, config)


def load_weights(model: ViT, state: Mapping[str, Tensor], where: str) -> None:
    """Load a state dict, position embeddings resampled if the image size differs.

    Raises CheckpointError that names missing, extra and wrongly shaped keys, and tensors that
    hold a value that is not finite.
    """
    state = dict(state)
    expected = model.state_dict()
    if "pos_embed" in state and state["pos_embed"].ndim == 3:
        tokens = model.config.tokens
        state["pos_embed"] = resample_position_embedding(state["pos_embed"], tokens)
    problems = [
        _listing("missing keys", expected.keys() - state.keys()),
        _listing("unknown keys", state.keys() - expected.keys()),
        _listing(
            "wrong shapes",
            {
                f"{name} {list(state[name].shape)} instead of {list(tensor.shape)}"
                for name, tensor in expected.items()
                if name in state and state[name].shape != tensor.shape
            },
        ),
        _listing(
            "values that are not finite in",
            {name for name, tensor in state.items() if not torch.isfinite(tensor).all()},
        ),
    ]
    if any(problems):
        raise CheckpointError(
            f"{where} does not fit a {model.config.family}: {'; '.join(filter(None, problems))}"
        )
    model.load_state_dict({name: tensor.to(expected[name].dtype) for name, tensor in state.items()})


def _assemble(
    path: Path, state: dict[str, Tensor], header: _Header | None, config: ViTConfig | None
) -> Checkpoint:
    """The checkpoint of what was read."""
    where = f"checkpoint {path}"
    if header is not None:
        config = config_from_dict(header.family, header.config, where)
    try:
        model = build(config, header.preprocessing if header else None, seed=0)
    except InputError as error:
        raise CheckpointError(f"{where} contradicts itself: {error}") from error
    load_weights(model, state, where)
    _check_labels(header, config, where)
    return Checkpoint(
        model=model.eval(),
        labels=header.labels if header else None,
        usage_prior=header.usage_prior if header else None,
        sha256=_hash(path),
        name=path.stem,
    )


def _header_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """The JSON beside the weights, as plain data."""
    return msgspec.to_builtins(
        _Header(
            format=FORMAT,
            version=VERSION,
            family=checkpoint.config.family,
            config=asdict(checkpoint.config),
            preprocessing=checkpoint.model.input,
            labels=checkpoint.labels,
            usage_prior=checkpoint.usage_prior,
        )
    )


def _read_header(path: Path, metadata: str | None) -> _Header | None:
    """The JSON of a directory's `config.json` or of a file's metadata; None if there is none."""
    text: bytes | str | None = metadata
    if path.is_dir():
        file = path / _CONFIG_FILE
        if not file.is_file():
            return None
        if file.stat().st_size > _MAX_CONFIG_BYTES:
            raise CheckpointError(f"{file} is larger than {_MAX_CONFIG_BYTES} bytes: no config")
        text = file.read_bytes()
    if text is None:
        return None
    try:
        header = msgspec.json.decode(text, type=_Header)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CheckpointError(
            f"the configuration of checkpoint {path} is wrong: {error}"
        ) from error
    if (header.format, header.version) != (FORMAT, VERSION):
        raise CheckpointError(
            f"checkpoint {path} is {header.format!r} version {header.version}; this release reads "
            f"{FORMAT!r} version {VERSION}"
        )
    return header


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """Tensors and our metadata of a safetensors file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole safetensors file: {error}"
        ) from error
    return tensors, metadata.get(_METADATA_KEY)


def _read_torch(path: Path) -> tuple[dict[str, Tensor], None]:
    """The state dict of a `.pt` file, read without running any code that it may hold."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, and nothing of it was run; save model.state_dict() "
            "alone"
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is no whole PyTorch file: {reason}"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise CheckpointError(
            f"{path} holds a {type(content).__name__}, not a state dict of tensors; save "
            "model.state_dict()"
        )
    return dict(content), None


def _check_labels(header: _Header | None, config: ViTConfig, where: str) -> None:
    """Refuse labels that do not number the classes."""
    if header and header.labels is not None and len(header.labels) != config.num_classes:
        raise CheckpointError(
            f"{where} has {len(header.labels)} labels for {config.num_classes} classes"
        )


def _hash(path: Path) -> str:
    """SHA-256 of a file; of a directory, over its files' names and hashes in order of name."""
    if path.is_file():
        return files.sha256(path)
    digest = hashlib.sha256()
    for name in (_CONFIG_FILE, _WEIGHTS_FILE):
        if (path / name).is_file():
            digest.update(f"{name} {files.sha256(path / name)}\n".encode())
    return digest.hexdigest()


def _listing(what: str, names: set[str], most: int = 5) -> str:
    """`what: a, b, c (and 4 more)`, or nothing for no names."""
    if not names:
        return ""
    shown = sorted(names)[:most]
    rest = f" (and {len(names) - most} more)" if len(names) > most else ""
    return f"{what}: {', '.join(shown)}{rest}"
