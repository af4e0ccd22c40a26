"""The fresh processes: what passes between them and the benchmark, and what they may import."""

import dataclasses
import os

import pytest

from mvmoe_bench import memory
from mvmoe_bench.fresh import FRESH_SUBJECTS, observe_fresh, run_order
from mvmoe_bench.orders import Order
from mvmoe_deploy.errors import EngineError


@pytest.fixture(scope="module")
def observed(graphs):
    workload, artifacts, _ = graphs
    return observe_fresh(workload, artifacts, threads=1, repeats=1)


def test_each_kind_is_observed_once_for_each_repeat(observed):
    assert list(observed) == list(FRESH_SUBJECTS)
    assert {len(observations) for observations in observed.values()} == {1}


def test_a_fresh_process_answers_rightly_and_imports_no_pytorch(observed):
    for (observation,) in observed.values():
        assert observation.max_abs_error < 1e-4
        assert observation.foreign == ()


def test_times_and_memory_are_in_order(observed):
    for (observation,) in observed.values():
        parts = [observation.start_ns, observation.engine_import_ns, observation.code_import_ns]
        assert all(part > 0 for part in (*parts, observation.open_ns, observation.first_run_ns))
        assert observation.process_to_answer_ns == sum(parts) + observation.cold_start_ns
        assert 0 < observation.base_bytes <= observation.imported_bytes < observation.after_bytes
        assert observation.added_bytes > 0


@pytest.mark.skipif(memory.peak_rss_bytes() is None, reason="this system does not tell a peak")
def test_the_peak_is_the_childs_own_not_inherited(observed):
    ours = memory.peak_rss_bytes()

    for (observation,) in observed.values():
        # This process holds PyTorch; a child that reports as much has inherited the figure.
        assert observation.after_bytes <= observation.peak_rss_bytes < ours


def test_a_process_that_fails_is_one_sentence(tmp_path):
    order = Order(
        subject="dispatcher", path=str(tmp_path), graph=None, images=str(tmp_path / "none.npy"),
        answers="", use=(0,), threads=1, runs=1, started_ns=0,
    )  # fmt: skip

    with pytest.raises(EngineError, match="the process that measures dispatcher failed: FileNot"):
        run_order(order)
    assert dataclasses.asdict(order)["started_ns"] == 0


def test_memory_of_this_process_is_plausible():
    assert 10e6 < memory.resident_bytes() < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
