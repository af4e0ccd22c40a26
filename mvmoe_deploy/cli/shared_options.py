"""Options that several commands share, and the types of their values."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import choices_text, quoted

Function = TypeVar("Function", bound=Callable[..., Any])


class KeyValue(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A name and its value, `NAME=VALUE`."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two."""
        if isinstance(value, tuple):
            return value
        name, found, setting = value.partition("=")
        if not name or not found:
            self.fail(f"{value!r} was given; expected NAME=VALUE", param, ctx)
        return name, setting


class NumberList(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """One number, or one for each channel with commas between them."""

    name = "number[,number,number]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The numbers."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} was given; expected numbers as in 0.5,0.5,0.5", param, ctx)


class OneOf(click.ParamType):  # type: ignore[type-arg]  # as above
    """Text of which a shell completes some values; what it may be is decided where it is used.

    `values` is asked when a shell completes. With `files` the shell offers paths too.
    """

    name = "text"

    def __init__(self, values: Callable[[], Iterable[str]], *, files: bool = False) -> None:
        self.values = values
        self.files = files

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The values that begin so; paths where none does."""
        found = completions(self.values(), incomplete)
        return found or ([CompletionItem(incomplete, type="file")] if self.files else [])


def completions(values: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """What a shell offers of some values."""
    return [CompletionItem(value) for value in values if value.startswith(incomplete)]


def parts(kind: str, *words: str) -> OneOf:
    """The name of a part of a kind, or one of a command's own words; completed by the shell."""
    return OneOf(lambda: (*words, *part_lookup.names(kind)))


def _presets() -> list[str]:
    """The names of all presets; of none without PyTorch, in which families are written."""
    try:
        from mvmoe_deploy.models.presets import preset_names
    except ImportError:
        return []
    return preset_names()


PRESET = OneOf(_presets, files=True)
"""A preset, or a JSON file with a configuration."""


class PartName(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """The name of a part of one kind; the installed ones are looked up when the option is used."""

    name = "name"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The names, as those of `click.Choice` are shown."""
        return f"[{'|'.join(part_lookup.names(self.kind))}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        return completions(part_lookup.names(self.kind), incomplete)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if such a part is installed."""
        known = part_lookup.names(self.kind)
        if value not in known:
            told = choices_text(value, known, "expected one of")
            self.fail(f"{quoted(value)} was given; {told}", param, ctx)
        return str(value)


class ImageSource(click.ParamType):  # type: ignore[type-arg]  # as above
    """The name of a data set, a directory of images, or one of a command's own words."""

    name = "images"

    def __init__(self, *words: str) -> None:
        self.words = words

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The names, as those of `click.Choice` are shown."""
        return f"[{'|'.join((*self.words, *part_lookup.names('datasets'), 'DIRECTORY'))}]"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so; directories where none does."""
        found = completions((*self.words, *part_lookup.names("datasets")), incomplete)
        return found or [CompletionItem(incomplete, type="dir")]


output = click.option("-o", "--output", type=click.Path(path_type=Path), required=True)

force = click.option(
    "--force", is_flag=True, help="Replace the output if it is one that this command wrote."
)

own_model = click.option(
    "--model",
    "factory",
    metavar="MODULE:FACTORY",
    help="A model of your own: package.module:factory or file.py:factory. Its code is run.",
)

weights = click.option(
    "--weights", help="Which of several sets of weights in a checkpoint: state_dict_ema, ..."
)

config = click.option(
    "--config", type=PRESET, help="Preset or JSON file, for weights that come without one."
)

manifest_sha256 = click.option(
    "--manifest-sha256", help="Refuse a bundle whose manifest has another hash, see mvmoe inspect."
)

plugins = click.option(
    "--plugins",
    is_flag=True,
    help="Allow that the bundle names parts of other installed packages: their code is run.",
)

INPUT_FIELDS = (
    "mean",
    "std",
    "crop",
    "interpolation",
    "resize_rule",
    "pad_level",
    "pad_place",
    "pad_rounding",
    "channel_order",
)
"""The parameters of `input_options`: the fields of `InputChoices`."""


def model_fields(function: Function) -> Function:
    """Fields of the configuration beside a preset: how many experts, and how many an image uses."""
    return together(
        click.option("--experts", type=int, metavar="N", help="Experts, instead of the preset's."),
        click.option(
            "--top-k", type=int, metavar="K", help="Experts that an image uses, likewise."
        ),
    )(function)


def input_options(function: Function) -> Function:
    """What the caller says of the input: it goes before the checkpoint, and before defaults."""
    return together(
        click.option("--mean", type=NumberList(), help="Of the channels, as in 0.485,0.456,0.406."),
        click.option("--std", type=NumberList(), help="Of the channels."),
        click.option(
            "--crop", type=float, help="A fraction; or pixels to resize to (torchvision)."
        ),
        click.option(
            "--interpolation", type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"])
        ),
        click.option(
            "--resize-rule",
            type=click.Choice(["timm", "torchvision", "squash", "border", "letterbox"]),
            help="Whose rule makes the input's size of an image, see docs/bundle.md.",
        ),
        click.option(
            "--pad-level",
            type=click.IntRange(0, 255),
            help="What letterbox puts beside the image: 114 (default) is YOLO's grey.",
        ),
        click.option(
            "--pad-place",
            type=click.Choice(["around", "right-bottom"]),
            help="Where letterbox puts it: the image in the middle (default) or at the top left.",
        ),
        click.option(
            "--pad-rounding",
            type=click.Choice(["nearest", "down"]),
            help="How letterbox rounds the shorter side: nearest (default, Ultralytics) or down "
            "(YOLOX).",
        ),
        click.option("--channel-order", type=click.Choice(["RGB", "BGR"])),
    )(function)


def together(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """One decorator for several options, which `--help` shows in this order."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def refuse_with_model(**given: Any) -> None:
    """Refuse what the factory of `--model` says, or what means another model.

    By the names of parameters; a capital name is an argument's. Raises InputError.
    """
    for name, value in given.items():
        if value not in (None, ()):
            word = name if name.isupper() else f"--{name.replace('_', '-')}"
            raise InputError(
                f"{word} was given with --model, whose factory says it; leave it out",
                code="input.option",
                name=name.lower(),
            )


def named_files(*values: str | None) -> list[Path]:
    """The JSON files among values that are each a preset's name or a JSON file."""
    return [Path(value) for value in values if value and value.endswith(".json")]
