"""docs/evidence.md and its pictures, from results alone: numbers come from nowhere else."""

from pathlib import Path

from evidence import cost_picture, equal_macs, verdict_words
from evidence.cases import Case
from evidence.piece_results import Results
from evidence.row_figures import CaseFigures, figures
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.system import files, output_places

_foreign = output_places.foreign_without([b"Written by `make evidence`"], "page of `make evidence`")


def require_free(page: Path) -> None:
    """Refuse a path where something else is; raises InputError or OutputError."""
    output_places.require_file(page, _foreign)


def write_page(
    cases: tuple[Case, ...], seeds: tuple[int, ...], results: Results, page: Path
) -> None:
    """Write the page and the pictures beside it, each in one step; raises as `require_free`.

    Raises InputError where there is no result at all.
    """
    found = [figures(case, seeds, results) for case in cases]
    shown = [of for of in found if of.rows]
    if not shown:
        raise InputError(
            f"there is no result in {results.folder} of what was asked for; train something first "
            "(leave --only out)",
            code="data.invalid",
            path=str(results.folder),
        )
    for of in shown:
        cost_picture.draw(of, page.with_name(_picture(page, of)))
    text = render(shown, seeds, results, page)
    files.write_file(page, lambda partial: partial.write_text(text), _foreign)


def render(found: list[CaseFigures], seeds: tuple[int, ...], results: Results, page: Path) -> str:
    """The page as Markdown."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("evidence", "."),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        # Nothing here is HTML.
        autoescape=False,
    )
    return environment.get_template("evidence.md.j2").render(
        cases=found,
        seeds=seeds,
        bench=results.bench(),
        titles=equal_macs.TITLES,
        say=verdict_words,
        picture=lambda of: _picture(page, of),
        epochs=_epochs,
        machines=sorted({r.machine for of in found for row in of.rows for r in row.found.values()}),
        cpu_hours=sum(
            r.seconds["cpu"] for of in found for row in of.rows for r in row.found.values()
        ) / 3600,
        models=sum(len(row.found) for of in found for row in of.rows),
    )  # fmt: skip


def _picture(page: Path, of: CaseFigures) -> str:
    """The name of a data set's picture."""
    return f"{page.stem}_{of.case.name.replace('-', '_')}.png"


def _epochs(of: CaseFigures) -> dict[str, int]:
    """Steps of the phases, as the results have them."""
    steps: dict[str, int] = {}
    for row in of.rows:
        for result in row.found.values():
            steps |= result.steps
    return steps
