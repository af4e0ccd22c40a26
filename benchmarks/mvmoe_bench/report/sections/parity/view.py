"""Whether the bundle does as PyTorch does, as the manifest says."""

from collections.abc import Iterator

from mvmoe_bench.report import columns
from mvmoe_bench.report.blocks import Cell, Chart, TableBlock, error_cell, number, text
from mvmoe_bench.report.formatting import agreement
from mvmoe_bench.report.run_summary import Summary
from mvmoe_bench.report.section_part import Point, View
from mvmoe_bench.report.sections.parity.figures import TargetParity
from mvmoe_bench.report.sections.parity.plot import BoundsPlot, BoundsRow

Found = tuple[TargetParity, ...]


def view(summary: Summary, found: Found) -> View:
    """Errors beside their bounds, and all that the verification found."""
    return View(
        (_chart(summary, found), _table(found)),
        "What the export verified, image by image, before this run; it is kept in the bundle's "
        "manifest. Near-ties are images whose two best routes lie so close that rounding may "
        "decide.",
    )


def _chart(summary: Summary, found: Found) -> Chart:
    """Two rows a target."""
    rows = []
    for target in found:
        checked = target.found
        several = len(summary.bundles) > 1
        name = f"{target.bundle}, {target.target}" if several else target.target
        rows.append(BoundsRow(f"{name}: answer", checked.answer_error, checked.answer_error_bound))
        if target.routed:
            rows.append(
                BoundsRow(f"{name}: router", checked.router_error, checked.router_error_bound)
            )
    n = " or ".join(f"{images:,}" for images in sorted({target.found.images for target in found}))
    return Chart(
        "Largest error, and the bound it has to keep",
        f"Dot: the largest error over n = {n} images, relative to the largest reference value; "
        "stroke: bound. A maximum has no interval.",
        BoundsPlot(rows),
    )


def _table(found: Found) -> TableBlock:
    """All figures of the verification, a row for each output."""
    return columns.table(
        "Verification against PyTorch: shares that are the same, and largest errors",
        ((target, *named) for target in found for named in target.found.outputs.items()),
        columns.text("bundle", lambda row, *_: row.bundle),
        columns.text("target", lambda row, *_: row.target),
        columns.text("verdict", lambda row, *_: _verdict(row)),
        columns.number("route", lambda row, *_: _share(row.found.routing_agreement),
                       "Images on the route that PyTorch takes."),
        columns.count("near-ties", lambda row, *_: row.found.near_ties,
                      "Images whose route rounding may change."),
        columns.count("forced", lambda row, *_: row.found.forced_routes, "Routes that no image "
                      "took; they were forced."),
        columns.number("router", lambda row, *_: error_cell(row.found.router_error),
                       "Largest error of a router's logit, relative."),
        columns.number("answer", lambda row, *_: error_cell(row.found.answer_error),
                       "Largest error of any output, relative."),
        columns.text("output", lambda _, name, __: name),
        columns.text("measure", lambda _, __, output: output.measure or "-",
                     "What the agreement of this kind of output is."),
        columns.number("agreement", lambda _, __, output: _share(output.agreement),
                       "How far what the output decides is what PyTorch decides."),
        columns.number("absolute", lambda _, __, output: error_cell(output.max_abs_error),
                       "Largest error of a value of the output, not relative."),
        columns.number("PSNR dB", lambda _, __, output: _psnr(output.psnr_db),
                       "Peak signal to noise: 20 dB more is an error ten times as small."),
        columns.count("images", lambda row, *_: row.found.images),
    )  # fmt: skip


def _verdict(target: TargetParity) -> Cell:
    """Whether the errors keep their bounds."""
    return text("within bounds", "good") if target.within else text("beyond a bound", "bad")


def _share(share: float | None) -> Cell:
    """A share that is never rounded up to all."""
    if share is None:
        return number(None)
    return number(share, agreement(share), "" if share == 1 else "bad")


def _psnr(psnr: float | None) -> Cell:
    """Decibels; none if all answers are the same."""
    return text("exact") if psnr is None else number(psnr, f"{psnr:.1f}")


def sentences(summary: Summary, found: Found) -> Iterator[Point]:
    """What the export proved of the main subject's target."""
    main = summary.main_subject
    for target in found:
        if main is not None and (target.bundle, target.target) == (main.bundle, main.target):
            share = target.found.routing_agreement
            agree = "all" if share == 1 else agreement(share)
            yield Point(
                topic="Answers",
                text=f"Of the {target.found.images:,} images that the export verified, {agree} "
                "took the route that PyTorch takes.",
            )
