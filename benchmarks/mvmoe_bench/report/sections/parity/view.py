"""Whether the bundle does as PyTorch does, as the manifest says."""

from mvmoe_bench.report.blocks import Cell, Chart, Column, Section, Table, number, rows, text
from mvmoe_bench.report.bundles import BundleFigure, ParityFigure, TargetFigure
from mvmoe_bench.report.sections.parity.plot import BoundsPlot
from mvmoe_bench.report.summary import Summary
from mvmoe_bench.report.words import agreement

Found = list[tuple[BundleFigure, TargetFigure, ParityFigure]]


def parity(summary: Summary) -> Section | None:
    """Errors beside their bounds, and all that the verification found."""
    found = [
        (bundle, target, target.parity)
        for bundle in summary.bundles
        for target in bundle.targets
        if target.parity is not None
    ]
    if not found:
        return None
    return Section(
        "parity",
        "The same answers as PyTorch",
        (_chart(summary, found), _table(found)),
        "What the export verified, image by image, before this run; it is kept in the bundle's "
        "manifest. Near-ties are images whose two best routes lie so close that rounding may "
        "decide.",
    )


def _chart(summary: Summary, found: Found) -> Chart:
    """Two rows a target."""
    lines = []
    for bundle, target, its in found:
        name = f"{bundle.name}, {target.name}" if len(summary.bundles) > 1 else target.name
        lines.append((f"{name}: answer", its.answer_error, its.answer_error_bound))
        if bundle.routed_stages:
            lines.append((f"{name}: router", its.router_error, its.router_error_bound))
    spoken = "; ".join(f"{name} {error:.1e} of {bound:.0e}" for name, error, bound in lines)
    counts = sorted({its.images for _, _, its in found})
    n = " or ".join(f"{count:,}" for count in counts)
    return Chart(
        "Largest error, and the bound it has to keep",
        f"Dot: the largest error over n = {n} images, relative to the largest reference value; "
        "stroke: bound. A maximum has no interval.",
        BoundsPlot(tuple(lines)),
        f"Errors: {spoken}",
    )


def _table(found: Found) -> Table:
    """All figures of the verification."""
    columns = (
        Column("bundle", number=False),
        Column("target", number=False),
        Column("verdict", number=False),
        Column("route", help="Images on the route that PyTorch takes."),
        Column("top-1", help="Images whose most likely class is that of PyTorch."),
        Column("near-ties", help="Images whose route rounding may flip."),
        Column("forced", help="Routes that no image took; they were forced."),
        Column("router", help="Largest error of a router's logit, relative."),
        Column("answer", help="Largest error of a class logit, relative."),
        Column("absolute", help="Largest error of a class logit, not relative."),
        Column("PSNR dB", help="Peak signal to noise: 20 dB more is an error ten times as small."),
        Column("images"),
    )  # fmt: skip
    cells = [
        [text(bundle.name), text(target.name), _verdict(its), *_numbers(its)]
        for bundle, target, its in found
    ]
    return Table(
        "Verification against PyTorch: shares that are the same, and largest errors",
        columns,
        rows(cells),
    )


def _verdict(its: ParityFigure) -> Cell:
    """Whether the errors keep their bounds."""
    return text("within bounds", "good") if its.within else text("beyond a bound", "bad")


def _numbers(its: ParityFigure) -> list[Cell]:
    """The numbers of one target."""
    psnr = its.psnr_db
    return [
        _share(its.routing_agreement),
        _share(its.top1_agreement),
        number(its.near_ties, f"{its.near_ties:,}"),
        number(its.forced_routes, f"{its.forced_routes:,}"),
        number(its.router_error, f"{its.router_error:.1e}"),
        number(its.answer_error, f"{its.answer_error:.1e}"),
        number(its.max_abs_error, f"{its.max_abs_error:.1e}"),
        text("exact") if psnr is None else number(psnr, f"{psnr:.1f}"),
        number(its.images, f"{its.images:,}"),
    ]


def _share(share: float) -> Cell:
    """A share that is never rounded up to all."""
    return number(share, agreement(share), "" if share == 1 else "bad")
