"""`mvmoe run`: the answers of a bundle for images."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.image_answers import (
    AnsweredImages,
    Details,
    ImageAnswer,
    ImageAnswers,
    NoImageAnswer,
    PictureFile,
)
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.tables import route_text, table
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.text import counted, escaped, quoted

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_deploy.bundle.manifest import Output
    from mvmoe_deploy.routing import Rule


@command(extra="onnx")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--target",
    type=shared_options.parts("targets"),
    default="onnx",
    show_default=True,
    help="Whose graphs to run.",
)
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of one graph.")
@click.option("--max-resident-experts", type=click.IntRange(min=1), help="For each routed stage.")
@click.option(
    "--engine-option",
    "engine_options",
    type=shared_options.KeyValue(),
    multiple=True,
    help="What only the target's engine knows: compute_units=cpuOnly for Core ML.",
)
@click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="CHOICE=NAME",
    help="A route that the model leaves to its caller: task=depth; mvmoe inspect shows them. The "
    "name alone is enough where there is one choice.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path),
    help="A new directory for what the outputs show: boxes, masks and maps, as PNG.",
)
@shared_options.force
@shared_options.manifest_sha256
@shared_options.plugins
def run(
    *,
    bundle: Path,
    images: tuple[Path, ...],
    target: str,
    engine_options: tuple[tuple[str, str], ...],
    routes: tuple[str, ...],
    pictures: Path | None,
    force: bool,
    manifest_sha256: str | None,
    plugins: bool,
    as_json: bool,
    threads: int | None,
    max_resident_experts: int | None,
) -> int:
    """Answer IMAGES (files, or directories of images) with BUNDLE.

    Images that fail are listed with their error; the rest are processed. A directory without images
    is refused at the start.
    """
    from mvmoe_deploy.cli.pictures import new_pictures, picture_stems, require_free
    from mvmoe_deploy.runtime import Dispatcher

    paths = [file for path in images for file in _image_files(path)]
    if pictures is not None:
        require_free(pictures, force, bundle, images)
    budget = max_resident_experts
    if budget is not None and _ignores_budgets(bundle, target, manifest_sha256, plugins):
        budget = None
    with Dispatcher.open(
        bundle,
        target,
        engine_options=dict(engine_options),
        manifest_sha256=manifest_sha256,
        plugins=plugins,
        threads=threads,
        max_resident_experts=budget,
    ) as dispatcher:
        if dispatcher.stands_in_for:
            note(f"no {dispatcher.stands_in_for} on this machine; using the {dispatcher.engine}")
        choices = _choices(routes, dispatcher.bundle.manifest.rules)
        answered = AnsweredImages(dispatcher, choices, plugins)
        if pictures is None:
            for path in paths:
                answered.answer(path)
        else:
            _require_picture(dispatcher.bundle.manifest.outputs, plugins)
            with new_pictures(pictures, force) as work:
                for path, stem in zip(paths, picture_stems(paths), strict=True):
                    answered.answer(path, partial(_picture_file, work, pictures, stem))
    emit(as_json, ImageAnswers(tuple(answered.results)), partial(show, details=answered.details))
    return answered.exit_code


def _ignores_budgets(bundle: Path, target: str, sha256: str | None, plugins: bool) -> bool:
    """Whether no budget of experts has an effect with a target, which is then told."""
    from mvmoe_deploy.bundle import Bundle
    from mvmoe_deploy.bundle.bound_weights import budgets_note

    opened = Bundle.open(bundle, sha256, plugins=plugins)
    binds = opened.strategy(target).binds_weights
    if binds:
        note(budgets_note(target))
    return binds


def _picture_file(work: Path, folder: Path, stem: str, output: str) -> PictureFile:
    """Where the picture of an output of one image is written, and where it will be."""
    name = f"{stem}.{output}.png"
    return work / name, folder / name


def _choices(given: Sequence[str], rules: "Sequence[Rule]") -> dict[str, str]:
    """What `--route` chooses, once for all images; raises InputError as the dispatcher does."""
    from mvmoe_deploy.routing.choices import choices_of, selectors

    known = choices_of(rules)
    choices: dict[str, str] = {}
    for text in given:
        choice, named, name = text.partition("=")
        if not named and len(known) == 1:
            (choice,), name = known, text
        if choice in choices:
            raise InputError(
                f"--route {quoted(choice)} was given twice; give one name for each choice",
                code="input.option",
                name="route",
            )
        choices[choice] = name
    selectors(rules, choices)
    return choices


def _image_files(path: Path) -> list[Path]:
    """A file as it is, a directory's images in order of name; raises InputError if it has none."""
    if not path.is_dir():
        return [path]
    from mvmoe_deploy.preprocessing.decoding import IMAGE_SUFFIXES

    found = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InputError(
            f"directory {path} holds no images; give files or a directory with "
            f"{', '.join(IMAGE_SUFFIXES)}",
            code="input.no-images",
            path=str(path),
        )
    return found


def _require_picture(outputs: Sequence["Output"], plugins: bool) -> None:
    """Refuse `--pictures` for a model without an output that has one."""
    from mvmoe_deploy.outputs import find_kind

    if not any(find_kind(output.kind, plugins=plugins).has_picture for output in outputs):
        kinds = ", ".join(f"{output.name} ({output.kind})" for output in outputs)
        raise InputError(
            f"--pictures was given, but no output has a picture: the model gives {kinds}; leave it "
            "out",
            code="input.option",
            name="pictures",
        )


def show(out: "Console", answers: ImageAnswers, details: Sequence[Details] = ()) -> None:
    """Answers, one image a line, then the outputs that say more than a class."""
    from rich.text import Text

    found = [result for result in answers.results if isinstance(result, ImageAnswer)]
    # Where no image has an answer nothing says that the model does not classify.
    classifies = not found or found[0].label is not None
    classes = ["label", "probability"] if classifies else []
    titles = ["image", *classes, "route", "gates", "ms"]
    rows = table(*titles, right=(2, 4, 5) if classifies else (2, 3))
    for result in answers.results:
        if isinstance(result, NoImageAnswer):
            rows.add_row(result.image, Text(f"error: {result.error}", style="red"))
            continue
        cells = [result.label, f"{result.probability:.3f}"] if classifies else []
        rows.add_row(
            result.image,
            *cells,
            route_text(result.route),
            _gates_text(_flat(result.gates)),
            f"{result.timings_ms['total']:.2f}",
        )
    out.print(rows)
    for title, shown in details:
        out.print(f"\n{escaped(title)}")
        several = table(*map(escaped, shown.columns), right=range(1, len(shown.columns)))
        for row in shown.rows:
            several.add_row(*map(escaped, row))
        out.print(several if shown.rows else "nothing")
    _show_pictures(out, found)


def _show_pictures(out: "Console", found: Sequence[ImageAnswer]) -> None:
    """Where the pictures are."""
    written = [file for result in found for file in result.pictures.values()]
    if written:
        out.print(f"\n{counted(len(written), 'picture')} in {Path(written[0]).parent}")


def _gates_text(gates: Sequence[float]) -> str:
    """Gates with three digits; several that are all 1, as with `unit_gates`, in two words."""
    if len(gates) > 1 and all(gate == 1 for gate in gates):
        return "1 each"
    return ", ".join(f"{gate:.3f}" for gate in gates) or "-"


def _flat(gates: Sequence[Any]) -> list[float]:
    """Gates of one or several stages in a row."""
    return [gate for part in gates for gate in (part if isinstance(part, tuple) else [part])]


PART = run
