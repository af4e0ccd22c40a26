"""`mvmoe run`: the answers of a bundle for images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from mvmoe_deploy.cli import options
from mvmoe_deploy.cli.group import command
from mvmoe_deploy.cli.output import emit, note
from mvmoe_deploy.cli.tables import route_text, table
from mvmoe_deploy.errors import InputError, MvmoeError
from mvmoe_deploy.text import quoted

if TYPE_CHECKING:
    from rich.console import Console

    from mvmoe_deploy.routing import Rule
    from mvmoe_deploy.runtime import Dispatcher


class ImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer for one image; of several routed stages `route` and `gates` have one item each."""

    image: str
    label: str
    label_index: int
    probability: float
    route: tuple[Any, ...]
    gates: tuple[Any, ...]
    timings_ms: dict[str, float]


class NoImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An image without an answer, and why."""

    image: str
    error: str
    code: str
    fields: dict[str, object]


class ImageAnswers(msgspec.Struct, frozen=True):
    """One result for each image, in their order."""

    results: tuple[ImageAnswer | NoImageAnswer, ...]


@command(extra="onnx")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--target", default="onnx", show_default=True, help="Whose graphs to run.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads of one graph.")
@click.option("--max-resident-experts", type=click.IntRange(min=1), help="For each routed stage.")
@click.option(
    "--engine-option",
    "engine_options",
    type=options.KeyValue(),
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
@options.manifest_sha256
@options.plugins
def run(
    *,
    bundle: Path,
    images: tuple[Path, ...],
    target: str,
    engine_options: tuple[tuple[str, str], ...],
    routes: tuple[str, ...],
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
    from mvmoe_deploy.runtime import Dispatcher

    paths = [file for path in images for file in _image_files(path)]
    with Dispatcher.open(
        bundle,
        target,
        engine_options=dict(engine_options),
        manifest_sha256=manifest_sha256,
        plugins=plugins,
        threads=threads,
        max_resident_experts=max_resident_experts,
    ) as dispatcher:
        if dispatcher.stands_in_for:
            note(f"no {dispatcher.stands_in_for} on this machine; using the {dispatcher.engine}")
        choices = _choices(routes, dispatcher.bundle.manifest.rules)
        answers = [_answer(dispatcher, path, choices) for path in paths]
    emit(as_json, ImageAnswers(tuple(answer for answer, _ in answers)), show)
    return max(code for _, code in answers)


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


def _answer(
    dispatcher: "Dispatcher", path: Path, choices: "Mapping[str, str]"
) -> tuple[ImageAnswer | NoImageAnswer, int]:
    """The result of one image and its exit code."""
    from dataclasses import asdict

    try:
        prediction = dispatcher.predict(path, **choices)
    except MvmoeError as error:
        refused = NoImageAnswer(
            image=str(path), error=str(error), code=error.code, fields=error.fields
        )
        return refused, error.exit_code
    several = len(prediction.routes) > 1
    answer = ImageAnswer(
        image=str(path),
        label=prediction.label,
        label_index=prediction.label_index,
        probability=prediction.probability,
        route=prediction.routes if several else prediction.route,
        gates=prediction.stage_gates if several else prediction.gates,
        timings_ms=asdict(prediction.timings),
    )
    return answer, 0


def show(out: "Console", answers: ImageAnswers) -> None:
    """Answers, one image a line."""
    from rich.text import Text

    rows = table("image", "label", "probability", "route", "gates", "ms", right=(2, 4, 5))
    for result in answers.results:
        if isinstance(result, NoImageAnswer):
            rows.add_row(result.image, Text(f"error: {result.error}", style="red"))
            continue
        rows.add_row(
            result.image,
            result.label,
            f"{result.probability:.3f}",
            route_text(result.route),
            ", ".join(f"{gate:.3f}" for gate in _flat(result.gates)),
            f"{result.timings_ms['total']:.2f}",
        )
    out.print(rows)


def _flat(gates: Sequence[Any]) -> list[float]:
    """Gates of one or several stages in a row."""
    return [gate for part in gates for gate in (part if isinstance(part, tuple) else [part])]


PART = run
