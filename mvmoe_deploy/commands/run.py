"""`mvmoe run`: the answers of a bundle for images."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvmoe_deploy.cli import shared_options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.image_answers import (
    AnswerAccuracy,
    AnsweredImages,
    Details,
    ImageAnswer,
    ImageAnswers,
    PictureFile,
    right_answers,
)
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.tables import percent, route_text, table
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
@click.option(
    "--top",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Show so many of the best classes.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the answers there too, a row for each image.",
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
    top: int,
    csv_file: Path | None,
    force: bool,
    manifest_sha256: str | None,
    plugins: bool,
    as_json: bool,
    threads: int | None,
    max_resident_experts: int | None,
) -> int:
    """Answer IMAGES (files, or directories of images) with BUNDLE.

    Of a directory whose folders are classes of the model, <class>/, the accuracy is shown too; of
    one with train/ and val/ the images of val/ are taken. An image that fails is an error on
    stderr; the rest are answered, and the exit code says it. A directory without images is refused
    at the start.
    """
    from mvmoe_deploy.bundle.model_outputs import class_output
    from mvmoe_deploy.cli.answers_csv import require_free_csv, write_csv
    from mvmoe_deploy.cli.images_to_answer import images_to_answer
    from mvmoe_deploy.cli.pictures import new_pictures, picture_stems, require_free
    from mvmoe_deploy.runtime import Dispatcher
    from mvmoe_deploy.system import output_places

    for path in images:
        _require_images(path)
    if csv_file is not None:
        output_places.refuse_overlap([csv_file], [bundle, *(p for p in images if p.is_file())])
        require_free_csv(csv_file, force)
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
        found = images_to_answer(images, class_output(dispatcher.bundle.manifest))
        answered = AnsweredImages(
            dispatcher, choices, plugins, top=top, report=lambda text: note(f"error: {text}")
        )
        if pictures is None:
            for path, expected in found:
                answered.answer(path, expected)
        else:
            _require_picture(dispatcher.bundle.manifest.outputs, plugins)
            with new_pictures(pictures, force) as work:
                stems = picture_stems([path for path, _ in found])
                for (path, expected), stem in zip(found, stems, strict=True):
                    answered.answer(path, expected, partial(_picture_file, work, pictures, stem))
    answers = ImageAnswers(tuple(answered.results), right_answers(answered.results, top))
    if csv_file is not None:
        write_csv(answers, csv_file, top, force)
    emit(as_json, answers, partial(show, details=answered.details))
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


def _require_images(path: Path) -> None:
    """Refuse a directory without images before anything is loaded; raises InputError."""
    from mvmoe_deploy.samples import directory_images

    if path.is_dir():
        directory_images(path)


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
    expects = any(result.expected is not None for result in found)
    several = any(len(result.top) > 1 for result in found)
    titles = ["image", *["folder"] * expects, *classes, *["then"] * several, "route", "gates", "ms"]
    right = [titles.index(title) for title in ("probability", "gates", "ms") if title in titles]
    rows = table(*titles, right=right)
    for result in found:
        cells = [result.label, f"{result.probability:.3f}"] if classifies else []
        then = ", ".join(f"{one.label} {one.probability:.3f}" for one in result.top[1:])
        rows.add_row(
            result.image,
            *[result.expected or "-"] * expects,
            *cells,
            *[then or "-"] * several,
            route_text(result.route),
            _gates_text(_flat(result.gates)),
            f"{result.timings_ms['total']:.2f}",
        )
    out.print(rows)
    if missing := len(answers.results) - len(found):
        text = f"{missing} of {len(answers.results)} images have no answer: the errors on stderr"
        out.print(Text(text, style="red"))
    if answers.accuracy is not None:
        _show_accuracy(out, answers.accuracy)
    for title, shown in details:
        out.print(f"\n{escaped(title)}")
        values = table(*map(escaped, shown.columns), right=range(1, len(shown.columns)))
        for row in shown.rows:
            values.add_row(*map(escaped, row))
        out.print(values if shown.rows else "nothing")
    _show_pictures(out, found)


def _show_accuracy(out: "Console", found: AnswerAccuracy) -> None:
    """How right the answers are, of all images and of each class."""
    out.print(
        f"\n{found.measure}: {percent(found.accuracy)}, {found.right} of {found.images} images in "
        "folders of their class"
    )
    if found.top > 1:
        out.print(f"top-{found.top}: {percent(found.in_top / found.images)}")
    rows = table("class", "images", "right", "share", right=(1, 2, 3))
    for one in found.classes:
        share = percent(one.right / one.images)
        rows.add_row(one.label, str(one.images), str(one.right), share)
    out.print(rows)


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
