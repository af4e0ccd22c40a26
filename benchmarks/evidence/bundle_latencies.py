"""What an answer of each model's bundle takes: ONNX Runtime, one thread, all of a size in turns."""

from dataclasses import dataclass
from pathlib import Path

from evidence import answer_times
from evidence.cases import Case, Cell, Piece, Size
from evidence.made_on import cpu, versions
from evidence.piece_results import Latencies, Latency, Results
from evidence.piece_training import kept_checkpoint
from mvmoe_deploy.cli.output import note

_TARGET = "onnx"


def measure_latencies(
    cases: tuple[Case, ...], seeds: tuple[int, ...], work: Path, results: Results, quick: bool
) -> None:
    """Measure the sizes that have no latencies yet, or lack models that are trained by now.

    The weights are those of the first seed; where only results were kept, they are trained again.
    Models whose graphs are alike share one bundle. Raises what training, exports and runs raise.
    """
    for case in cases:
        for size in case.sizes:
            trained = [
                cell for cell in size.cells
                if results.of(Piece(case, size, cell, seeds[0])) is not None
            ]  # fmt: skip
            known = results.latencies(case.name, size.name)
            lacking = [c for c in trained if known is None or c.name not in known.cells]
            if lacking and any(cell.is_reference for cell in trained):
                run = _Run(case, size, seeds[0], work, results, quick)
                results.put_latencies(run.measured(trained))
                note(f"{case.name}/{size.name}: latencies of {len(trained)} models")


@dataclass(frozen=True)
class _Run:
    """One run of `mvmoe bench` with a bundle of each kind of graphs of a size."""

    case: Case
    size: Size
    seed: int
    work: Path
    results: Results
    quick: bool

    @property
    def folder(self) -> Path:
        """Where bundles and lines are kept."""
        return self.work / self.case.name / self.size.name / "bundles"

    def measured(self, trained: list[Cell]) -> Latencies:
        """What an answer of each model takes."""
        # The reference stands for all dense models; of others the first of each kind of graphs.
        order = sorted(trained, key=lambda cell: not cell.is_reference)
        first: dict[str, Cell] = {}
        for cell in order:
            first.setdefault(cell.graphs, cell)
        paths = {cell.name: self._exported(cell) for cell in first.values()}
        # The name says how many bundles are in it: another set of them is another run.
        lines = self.folder / f"latency-{len(paths)}-{'quick' if self.quick else 'full'}.jsonl"
        found = answer_times.run(
            tuple(paths.values()),
            lines,
            answer_times.effort(self.quick),
            (_TARGET,),
            self.case.data,
        )
        times = {bundle: of for (bundle, _), of in answer_times.times(found).items()}
        cells = {}
        for cell in trained:
            of = first[cell.graphs].name
            cells[cell.name] = _latency(times[of], times[order[0].name], paths[of])
        return Latencies(
            case=self.case.name,
            size=self.size.name,
            seed=self.seed,
            cells=cells,
            repeats=found.run.preset.repeats,
            started=found.run.started,
            load_average=answer_times.load_average(found),
            versions=versions(),
            machine=cpu(),
        )

    def _exported(self, cell: Cell) -> Path:
        """The bundle of a trained model; exported once."""
        from mvmoe_deploy.models import load_checkpoint
        from mvmoe_export import export_bundle

        path = self.folder / f"{cell.name}.mvmoe"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            piece = Piece(self.case, self.size, cell, self.seed)
            trained = kept_checkpoint(piece, self.work, self.results)
            model = load_checkpoint(trained).model.eval()
            export_bundle(model, path, targets=(_TARGET,), **cell.export)
        return path


def _latency(of: answer_times.Times, reference: answer_times.Times, bundle: Path) -> Latency:
    """One model's figures."""
    from mvmoe_deploy.bundle import Bundle

    record = Bundle.open(bundle).manifest.targets[_TARGET]
    ms, low, high = answer_times.milliseconds(of)
    over, computed = answer_times.ratio(of, reference), answer_times.ratio(of, reference, cpu=True)
    assert over is not None
    return Latency(
        ms=ms,
        low=low,
        high=high,
        over_dense=over.value,
        over_dense_low=over.low,
        over_dense_high=over.high,
        cpu_over_dense=None if computed is None else computed.value,
        bundle_bytes=sum(file.bytes for file in record.files),
    )
