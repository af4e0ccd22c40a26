"""The answers of `mvmoe run` as a CSV file: a row for each image, those without an answer too."""

import csv
from pathlib import Path

from mvmoe_deploy.cli.image_answers import ImageAnswer, ImageAnswers, NoImageAnswer
from mvmoe_deploy.cli.tables import route_text
from mvmoe_deploy.system import files, output_places

_FIRST = ("image", "expected")
_LAST = ("route", "gates", "last_stage", "ms", "error")


def require_free_csv(path: Path, replace: bool) -> None:
    """Refuse a path that may not become the file; raises InputError, OutputError."""
    output_places.require_file(path, _foreign if replace else None)


def write_csv(answers: ImageAnswers, path: Path, best: int, replace: bool) -> None:
    """Write the answers with their `best` classes, in one step; raises OutputError."""
    files.write_file(path, lambda file: _write(answers, file, best), _foreign if replace else None)


def _write(answers: ImageAnswers, path: Path, best: int) -> None:
    """The header and the rows."""
    titles = [f"{what}{_number(place)}" for place in range(best) for what in _OF_CLASS]
    # Names of files may hold bytes that are no text: they come back as the same bytes.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_FIRST, *titles, *_LAST])
        writer.writerows(_row(result, best) for result in answers.results)


_OF_CLASS = ("label", "probability")


def _number(place: int) -> str:
    """What distinguishes the columns of the second best class, and so on."""
    return f"_{place + 1}" if place else ""


def _row(result: ImageAnswer | NoImageAnswer, best: int) -> list[str]:
    """One image; empty where there is nothing to say."""
    if isinstance(result, NoImageAnswer):
        return [result.image, *[""] * (1 + 2 * best + len(_LAST) - 1), result.error]
    classes = [text for one in result.top[:best] for text in (one.label, f"{one.probability:.6f}")]
    several = bool(result.gates) and isinstance(result.gates[0], tuple)
    gates = result.gates if several else (result.gates,)
    return [
        result.image,
        result.expected or "",
        *classes,
        *[""] * (2 * best - len(classes)),
        route_text(result.route),
        " > ".join("+".join(f"{gate:.6f}" for gate in stage) for stage in gates),
        result.last_stage,
        f"{result.timings_ms['total']:.3f}",
        "",
    ]


def _foreign(path: Path) -> str | None:
    """Why a file is no CSV of ours that may be replaced; None if it is one."""
    begins = ",".join(_FIRST).encode()
    ours = output_places.head(path, len(begins)) == begins
    return None if ours else "is no CSV file that mvmoe run has written"
