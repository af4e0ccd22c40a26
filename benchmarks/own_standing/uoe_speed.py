"""What half of a Union of Experts costs beside the dense model, in every form and on two engines.

`python -m own_standing.uoe_speed FOLDER` exports what is not in FOLDER yet (several minutes), times
whole answers of all dispatchers in turns, and prints the table of `docs/families/uoe.md`.
"""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from mvmoe_bench.report.printed import alone, printed
from mvmoe_bench.report.statistics import ENOUGH_REPEATS, MS, Ratio, paired_ratio
from mvmoe_deploy import Dispatcher
from mvmoe_deploy.cli.process import run_command
from mvmoe_deploy.models import RoutedModel, build
from mvmoe_deploy.models.families.uoe import PART
from own_standing.turns import Run, times_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROGRAM = "python -m own_standing.uoe_speed"
_DENSE = "dense"


class _Form(NamedTuple):
    """A form of the model as graphs: the preset's prefix, and options of the export."""

    title: str
    preset: str
    options: "Mapping[str, Any]"


_TARGETS = ("onnx", "executorch")
_ONE_GRAPH = {"strategy": "gather", "routers": "in-graph"}
_FORMS = (
    _Form("one router, `dispatch`", "uoe", {}),
    _Form("one router, `bind`", "uoe", {"strategy": "bind"}),
    _Form("a router for each part, `gather` in one graph", "uoe_blocks", _ONE_GRAPH),
    _Form("tokens", "uoe_tokens", {}),
)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--size", default="12x192_p32_224", help="As the presets have it.")
@click.option("--blocks", type=click.IntRange(min=1), default=ENOUGH_REPEATS, help="Of rounds.")
@click.option("--rounds", type=click.IntRange(min=1), default=20, help="Calls of each in a block.")
def uoe_speed(folder: Path, size: str, blocks: int, rounds: int) -> None:
    """Time the forms of a Union of Experts beside the dense model of the same size."""
    show(Console(highlight=False), measure(folder, size, blocks, rounds))


def measure(folder: Path, size: str, blocks: int, rounds: int) -> dict[str, dict[str, Any]]:
    """By engine and form the milliseconds of an answer, and their ratio to the dense model's."""
    found: dict[str, dict[str, Any]] = {}
    paths = exported(folder, size)
    for target in _TARGETS:
        runs = {title: answering(path, target) for title, path in paths.items()}
        times = times_of(runs, blocks * rounds)
        repeats = [position // rounds for position in range(blocks * rounds)]
        found[target] = {
            title: (float(np.median(own)) * MS, paired_ratio(own, times[_DENSE], repeats))
            for title, own in times.items()
        }
    return found


def exported(folder: Path, size: str) -> dict[str, Path]:
    """The bundle of the dense model and of each form, by title; those that are there stay."""
    from mvmoe_export import export_bundle

    paths = {}
    forms = [_Form(_DENSE, "uoe", {}), *_FORMS]
    for form in forms:
        name = "_".join([form.preset, *map(str, form.options.values())])
        path = folder / f"{size}-{_DENSE if form.title == _DENSE else name}.mvmoe"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            model = _model(form, size)
            export_bundle(model, path, targets=_TARGETS, skip_verify=True, **form.options)
        paths[form.title] = path
    return paths


def _model(form: _Form, size: str) -> RoutedModel:
    """The model of a form, or the dense one that its experts are, of random weights."""
    model = build(PART.presets()[f"{form.preset}_{size}"], seed=0)
    return PART.to_dense(model).eval() if form.title == _DENSE else model.eval()


def answering(path: Path, target: str) -> Run:
    """Answers of one image after the other, on one thread."""
    dispatcher = Dispatcher.open(path, target, threads=1)
    shape = (8, 1, *dispatcher.bundle.manifest.input.shape)
    images = np.random.default_rng(0).standard_normal(shape, np.float32)
    for image in images:
        dispatcher.run(image)
    places = iter(range(sys.maxsize))
    return partial(_answer, dispatcher, images, places)


def _answer(dispatcher: Dispatcher, images: np.ndarray, places: Any) -> object:
    return dispatcher.run(images[next(places) % len(images)])


def show(out: Console, data: "Mapping[str, Mapping[str, tuple[float, Ratio]]]") -> None:
    """The table."""
    rows = Table(header_style="bold", box=None, pad_edge=False)
    for position, column in enumerate(("engine", "form", "an answer", "over dense", "95%")):
        rows.add_column(column, justify="right" if position > 1 else "left")
    for engine, forms in data.items():
        for title, (milliseconds, ratio) in forms.items():
            shown = printed(ratio)
            rows.add_row(engine, title, f"{alone(milliseconds)} ms", shown.value, shown.marked)
    out.print(rows)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command; errors are one sentence."""
    run_command(uoe_speed, _PROGRAM, arguments)


if __name__ == "__main__":
    main()
