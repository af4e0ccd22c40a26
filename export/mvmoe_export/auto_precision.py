"""The smallest recipe of an export that keeps its bounds, and how the others fared.

Recipes are tried from the fewest bits of a weight on. Each is exported whole, checked by the route
guard and verified; one that falls short is refused with the reason, and the next one is tried. What
was refused is kept beside the bundle (`.NAME.recipes.json`) until it is there, so that an
interrupted export does not try it again.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle.manifest import Manifest, Target
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.system import files
from mvmoe_export.bundling import export_bundle
from mvmoe_export.compression import NumberTypes, find_recipe
from mvmoe_export.resuming import model_digest
from mvmoe_export.targets import ExportOptions, find_target

AUTO = "auto"
"""What is given instead of a recipe's name."""

_PRECISION = "precision"


@dataclass(frozen=True)
class ChosenRecipe:
    """The smallest recipe that kept its bounds."""

    name: str
    manifest: Manifest
    refused: Mapping[str, str]
    """Those that are smaller, with what each fell short of."""

    @property
    def sentence(self) -> str:
        """For people: what its targets save and lose."""
        fared = (_fared(name, target) for name, target in self.manifest.targets.items())
        return f"recipe {self.name}: taken: {'; '.join(fared)}"


def export_smallest(
    model: RoutedModel,
    path: str | Path,
    *,
    targets: Sequence[str] = ("onnx",),
    options: ExportOptions | None = None,
    resume: bool = False,
    note: Callable[[str], None] = lambda _: None,
    **chosen: Any,
) -> ChosenRecipe:
    """Export with the smallest recipe that all targets have and that keeps its bounds.

    Takes what `export_bundle` takes, but for `precision`; `note` is told what was refused, as soon
    as it is known. Raises CheckFailedError if every recipe falls short, and what `export_bundle`
    raises of the model, the path and the options.
    """
    path, options = Path(path), options or ExportOptions()
    with_images = chosen.get("calibration") is not None
    candidates = _candidates(targets, options, with_images=with_images)
    tried = _Tried.read(path, _key(model, targets, options, chosen)) if resume else _Tried(None, "")
    last: Exception | None = None
    for name in candidates:
        if name in tried.refused:
            continue
        try:
            made = export_bundle(
                model,
                path,
                targets=targets,
                options=options,
                precision=name,
                resume=resume,
                **chosen,
            )
        except CheckFailedError as error:
            last = error
            tried.refuse(name, str(error))
            note(f"recipe {name}: refused: {error}")
        else:
            tried.clear()
            return ChosenRecipe(name, made, dict(tried.refused))
    raise CheckFailedError(
        f"no recipe of {', '.join(candidates)} keeps its bounds for this model; give "
        "--precision fp32, and see what mvmoe verify says",
        code="check.failed",
    ) from last


def _candidates(targets: Sequence[str], options: ExportOptions, *, with_images: bool) -> list[str]:
    """The built-in recipes that all targets have, from the fewest bits of a weight on."""
    sizes: dict[str, tuple[int, bool]] = {}
    for name in part_lookup.built_in_names("recipes"):
        taken = [_numbers(target, options, name) for target in targets]
        numbers = [one for one in taken if one is not None]
        needs_images = any(one.needs_images for one in numbers)
        if len(numbers) < len(targets) or (needs_images and not with_images):
            continue
        # Of two of one size the one that needs no images first.
        sizes[name] = (sum(one.stored(1 << 20) for one in numbers), needs_images)
    return sorted(sizes, key=lambda name: (*sizes[name], name))


def _numbers(target: str, options: ExportOptions, recipe: str) -> NumberTypes | None:
    """The numbers that a target's graphs have with a recipe; None if it lacks that."""
    part = find_target(target)
    given = options.of(target, part.options)
    if _PRECISION not in given.__struct_fields__:
        raise InputError(
            f"the target {target} has no choice of a precision; leave out --precision auto, or the "
            "target",
            code="input.option",
            name=_PRECISION,
            given=AUTO,
        )
    try:
        chosen = msgspec.structs.replace(given, **{_PRECISION: recipe})
    except InputError:
        return None
    numbers: NumberTypes = getattr(chosen, "numbers", find_recipe(recipe).numbers[0])
    return numbers


def _fared(name: str, target: Target) -> str:
    """What one target saves and loses."""
    words = []
    compression, sizes = target.compression, target.sizes
    if compression is not None and sizes is not None and compression.plain_bytes:
        share = sizes.distinct_bytes / compression.plain_bytes
        words.append(f"{share:.2f} of the bytes")
    verified = target.parity.verification if target.parity else None
    if verified is not None:
        words.append(f"same route {verified.routing_agreement:.2%}")
        if (known := verified.accuracy) is not None:
            loss = 100 * known.loss
            words.append(
                f"a loss of {loss:.2f} points (95% interval {100 * known.least_loss:.2f} to "
                f"{100 * known.most_loss:.2f})"
            )
    return f"{name} in {target.precision}: {', '.join(words) or 'not verified'}"


class _Refusals(msgspec.Struct):
    """The file of what was refused."""

    key: str
    refused: dict[str, str]


@dataclass
class _Tried:
    """Recipes that were refused, kept in a file; without one they are only remembered."""

    file: Path | None
    key: str
    refused: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, key: str) -> "_Tried":
        """What an interrupted export of the same model and options has refused."""
        file = files.hidden(path, ".recipes.json")
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            kept = msgspec.json.decode(file.read_bytes(), type=_Refusals)
            if kept.key == key:
                return cls(file, key, kept.refused)
        return cls(file, key, {})

    def refuse(self, name: str, reason: str) -> None:
        """Remember a recipe that fell short."""
        self.refused[name] = reason
        if self.file is not None:
            content = msgspec.json.encode(_Refusals(self.key, self.refused))
            files.write_file(self.file, lambda path: path.write_bytes(content), lambda _: None)

    def clear(self) -> None:
        """Forget all, since the bundle is there."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


def _key(
    model: RoutedModel, targets: Sequence[str], options: ExportOptions, chosen: Mapping[str, Any]
) -> str:
    """A hash of all that decides whether a recipe falls short."""
    digest = model_digest(model)
    known = {name: value for name, value in chosen.items() if name not in ("progress", "identity")}
    plain = replace(options, progress=print)
    digest.update(repr((targets, plain, sorted(known.items(), key=str))).encode())
    return digest.hexdigest()
