"""How many images are answered rightly: the dense model, the routed one, each target."""

from collections.abc import Callable, Iterator, Sequence

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Cell, TableBlock, Tile, number
from mvmoe_bench.report.formatting import agreement, count
from mvmoe_bench.report.right_answers import RightAnswers
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Measured, Point, View
from mvmoe_deploy.bundle.precisions import MOST_LOSS

Found = tuple[RightAnswers, ...]
_WHO = {"dense": "dense model, PyTorch", "routed": "routed model, PyTorch"}


def view(summary: Summary, found: Found) -> View:
    """A row for each model."""
    several = [columns.text("bundle", lambda row: row.bundle)] if len(summary.bundles) > 1 else []
    table = columns.table(
        "Right answers to labelled images",
        ((row,) for row in found),
        *several,
        *_fields(lambda row: _name(summary, row)),
    )
    return View(
        (table,),
        "Labelled images, each answered once on its own route. A loss is counted image by image "
        "against the routed PyTorch model; its interval has at least 95%, that of a share is "
        "exact. Images are this run's, or those that the export verified.",
    )


def beside(runs: Sequence[Measured[Found]]) -> View:
    """The models of every run."""
    table: TableBlock = columns.table(
        "Right answers to labelled images, by device",
        ((row, run) for run in runs for row in run.figures),
        columns.text("device", lambda _, run: run.run, brief=True),
        *_fields(lambda row, run: _name(run.summary, row)),
    )
    return View((table,), "Each run by its own labelled images.")


def _fields(name: Callable[..., str]) -> tuple[columns.Field, ...]:
    """The columns of a model's figures; `name` calls it."""
    share = "The share of images whose best class is right; of boxes the mean average precision."
    loss = "Right answers of the routed PyTorch model less these, of a hundred images."
    return (
        columns.text("model", name, brief=True),
        columns.number("right", lambda row, *_: _share(row.share), share, brief=True),
        columns.text("95% interval", lambda row, *_: _interval(row), brief=True),
        columns.number("loss in points", lambda row, *_: _loss(row), loss, brief=True),
        columns.text("95% interval", lambda row, *_: _loss_interval(row)),
        columns.count("images", lambda row, *_: row.images, brief=True),
        columns.text("measured by", lambda row, *_: "this run" if row.of_run else "the export"),
    )


def _name(summary: Summary, row: RightAnswers) -> str:
    """PyTorch's model, or the target's subject."""
    if row.who != "target":
        return _WHO[row.who]
    return summary.names.get(row.subject or "", str(row.target))


def _share(share: float) -> Cell:
    """A share with two decimals."""
    return number(share, agreement(share))


def _interval(row: RightAnswers) -> str | None:
    """The exact interval of a share."""
    if row.low is None or row.high is None:
        return None
    return f"{100 * row.low:.2f} to {100 * row.high:.2f}%"


def _loss(row: RightAnswers) -> Cell:
    """A loss, with the tone of one that is too large."""
    if row.loss is None:
        return number(None)
    return number(100 * row.loss, _points(row.loss), "bad" if row.loss > MOST_LOSS + 1e-9 else "")


def _loss_interval(row: RightAnswers) -> str | None:
    """The ends of a loss."""
    if row.least_loss is None or row.most_loss is None:
        return None
    return f"{_points(row.least_loss)} to {_points(row.most_loss)}"


def _points(share: float) -> str:
    """A share in points, never as -0."""
    return f"{round(100 * share, 2) + 0.0:.2f}"


def _mine(summary: Summary, found: Found) -> RightAnswers | None:
    """The main subject's row: of this run, else of its target's export."""
    main = summary.main_subject
    if main is None:
        return None
    rows = [row for row in found if row.bundle == main.bundle and row.who == "target"]
    own = [row for row in rows if row.subject == main.key]
    return next((row for row in (*own, *rows) if row.target == main.target), None)


def _of(found: Found, mine: RightAnswers, who: str) -> RightAnswers | None:
    """Another model's row for the same images."""
    alike = (row for row in found if (row.bundle, row.of_run) == (mine.bundle, mine.of_run))
    return next((row for row in alike if row.who == who), None)


def tiles(summary: Summary, found: Found) -> Iterator[Tile]:
    """The main subject's share, beside PyTorch's."""
    mine = _mine(summary, found)
    if mine is not None:
        others = [
            f"{words} {agreement(row.share)}"
            for who, words in (("routed", "PyTorch"), ("dense", "dense model"))
            if (row := _of(found, mine, who)) is not None
        ]
        note = "; ".join([*others, f"n = {mine.images:,} images"])
        yield Tile("right answers", agreement(mine.share), "", note)


def recommendations(summary: Summary, found: Found) -> Iterator[Point]:
    """Whether the answers are as right as the models'."""
    mine = _mine(summary, found)
    if mine is None:
        return
    text = f"{_verdict(mine)}: {mine.target} answers {agreement(mine.share)} of "
    text += f"{count(mine.images, 'image')} right"
    if (routed := _of(found, mine, "routed")) is not None:
        text += f", PyTorch {agreement(routed.share)}"
    if (dense := _of(found, mine, "dense")) is not None:
        text += f", the dense model {agreement(dense.share)}"
    yield Point(topic="Are its answers right?", text=f"{text}.")


def _verdict(mine: RightAnswers) -> str:
    """What the loss says; nothing is said without one."""
    if mine.loss is None or mine.least_loss is None:
        return "As far as labels tell"
    if mine.least_loss > MOST_LOSS:
        return f"No, it loses {_points(mine.loss)} points"
    if mine.loss > MOST_LOSS:
        return f"Perhaps not, it lost {_points(mine.loss)} points on few images"
    return "Yes, as right as the routed model in PyTorch"
