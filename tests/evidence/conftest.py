"""Results that nobody has trained for: numbers from which the page is made."""

import pytest

from evidence.cases import Case, Piece, Size
from evidence.piece_results import Latencies, Latency, Result, Results
from evidence.plan_data import DENSE, FURTHER, UOE, mobile_vmoe, vit

ROUTED = mobile_vmoe("super-class", 4, 1)
MACS = {"4x16": 100_000, "4x32": 400_000, "4x64": 1_600_000}


@pytest.fixture
def case() -> Case:
    """Three sizes of a dense model, the first with routed ones beside it."""
    main = Size(name="4x32", dense=vit(32, 10), cells=(DENSE, FURTHER, ROUTED, UOE[0]))
    others = [Size(name=f"4x{w}", dense=vit(w, 10), cells=(DENSE, FURTHER)) for w in (16, 64)]
    return Case(
        name="made-up", title="Made-up", data="digits", dense_epochs=2, more_epochs=1,
        sizes=(main, *others),
    )  # fmt: skip


@pytest.fixture
def made(case, tmp_path):
    """Puts a result of a cell of a size with a seed: `made(cell, size, seed, top1, **fields)`."""
    results = Results(tmp_path / "results")

    def make(cell, size: str, seed: int, top1: float, **fields) -> Results:
        of = next(each for each in case.sizes if each.name == size)
        plain = {
            "case": case.name,
            "size": size,
            "cell": cell.name,
            "seed": seed,
            "top1": top1,
            "top1_at_start": None if cell.is_dense else 0.25,
            "held_out_top1": top1,
            "router_accuracy": None,
            "expert_usage": [],
            "super_classes": None,
            "agreement": None,
            "macs": MACS[size],
            "params_total": 50_000,
            "params_active": 40_000,
            "steps": {"dense": 20, "more": 10},
            "settings": {},
            "seconds": {"wall": 4.0, "cpu": 3.0},
            "versions": {"python": "3"},
            "machine": "a machine",
        }
        results.put(Piece(case, of, cell, seed), Result(**{**plain, **fields}))
        return results

    return make


@pytest.fixture
def timed(case):
    """Latencies of a size: `timed(results, size, cell=milliseconds, ...)`."""

    def time(results: Results, size: str, **milliseconds: float) -> None:
        cells = {
            name.replace("_", "-"): Latency(
                ms=ms, low=ms, high=ms, over_dense=ms, over_dense_low=ms, over_dense_high=ms,
                cpu_over_dense=None, bundle_bytes=1000,
            )
            for name, ms in milliseconds.items()
        }  # fmt: skip
        found = Latencies(
            case=case.name, size=size, seed=0, cells=cells, repeats=9, started="today",
            load_average=0.1, versions={"onnxruntime": "1"}, machine="a machine",
        )  # fmt: skip
        results.put_latencies(found)

    return time
