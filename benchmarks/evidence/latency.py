"""What an answer of each model's bundle takes: ONNX Runtime, one thread, all of a size in turns."""

from pathlib import Path

from evidence import timing
from evidence.cases import Case, Cell, Piece, Size
from evidence.machine import cpu, versions
from evidence.results import Latencies, Latency, Results
from evidence.training import checkpoint
from mvmoe_deploy.cli.output import note

_TARGET = "onnx"


def measure_latencies(
    cases: tuple[Case, ...], seeds: tuple[int, ...], work: Path, results: Results, quick: bool
) -> None:
    """Measure the sizes that have no latencies yet, or lack models that are trained by now.

    The weights are those of the first seed. Models whose graphs are alike share one bundle. Raises
    what exports and runs raise.
    """
    for case in cases:
        for size in case.sizes:
            trained = [
                cell for cell in size.cells
                if checkpoint(Piece(case, size, cell, seeds[0]), work).exists()
            ]  # fmt: skip
            known = results.latencies(case.name, size.name)
            lacking = [c for c in trained if known is None or c.name not in known.cells]
            if lacking and any(_is_reference(cell) for cell in trained):
                results.put_latencies(_measured(case, size, trained, seeds[0], work, quick))
                note(f"{case.name}/{size.name}: latencies of {len(trained)} models")


def _is_reference(cell: Cell) -> bool:
    return cell.is_dense and cell.phases == ("dense", "more")


def _measured(
    case: Case, size: Size, trained: list[Cell], seed: int, work: Path, quick: bool
) -> Latencies:
    """One run with a bundle of each kind of graphs."""
    from mvmoe_deploy.bundle import Bundle

    folder = work / case.name / size.name / "bundles"
    # The reference stands for all dense models; of others the first of each kind of graphs.
    order = sorted(trained, key=lambda cell: not _is_reference(cell))
    first: dict[str, Cell] = {}
    for cell in order:
        first.setdefault(cell.graphs, cell)
    paths = {
        cell.name: _exported(Piece(case, size, cell, seed), work, folder)
        for cell in first.values()
    }
    # The name says which bundles are in it: another set of them is another run.
    lines = folder / f"latency-{len(paths)}-{'quick' if quick else 'full'}.jsonl"
    found = timing.run(
        tuple(paths.values()), lines, timing.effort(quick), (_TARGET,), images=case.data
    )
    times = {bundle: of for (bundle, _), of in timing.times(found).items()}
    reference = times[next(cell.name for cell in order)]
    bytes_of = {
        name: sum(file.bytes for file in Bundle.open(path).manifest.targets[_TARGET].files)
        for name, path in paths.items()
    }
    cells = {}
    for cell in trained:
        of = first[cell.graphs].name
        cells[cell.name] = _latency(times[of], reference, bytes_of[of])
    return Latencies(
        case=case.name,
        size=size.name,
        seed=seed,
        cells=cells,
        repeats=found.run.preset.repeats,
        started=found.run.started,
        load_average=timing.load_average(found),
        versions=versions(),
        machine=cpu(),
    )


def _latency(of: timing.Times, reference: timing.Times, size: int) -> Latency:
    """One model's figures."""
    ms, low, high = timing.milliseconds(of)
    over, computed = timing.ratio(of, reference), timing.ratio(of, reference, cpu=True)
    assert over is not None
    return Latency(
        ms=ms,
        low=low,
        high=high,
        over_dense=over.value,
        over_dense_low=over.low,
        over_dense_high=over.high,
        cpu_over_dense=None if computed is None else computed.value,
        bundle_bytes=size,
    )


def _exported(piece: Piece, work: Path, folder: Path) -> Path:
    """The bundle of a trained model; exported once."""
    from mvmoe_deploy.models import load_checkpoint
    from mvmoe_export import export_bundle

    path = folder / f"{piece.cell.name}.mvmoe"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        model = load_checkpoint(checkpoint(piece, work)).model.eval()
        export_bundle(model, path, targets=(_TARGET,), **piece.cell.export)
    return path
