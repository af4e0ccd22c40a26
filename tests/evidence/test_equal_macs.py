"""The table of engines: made once, of one run, with what manifests and samples say."""

import pytest

from evidence import equal_macs
from evidence.piece_results import Results
from mvmoe_deploy.bundle import Bundle


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Two small models on one engine, measured for a moment."""
    work = tmp_path_factory.mktemp("equal-macs")
    results = Results(work / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equal_macs, "_TARGETS", ("onnx",))
        models = tuple(model for model in equal_macs.MODELS if model.name in ("dense", "uoe"))
        patch.setattr(equal_macs, "MODELS", models)
        equal_macs.measure_bench(work, results, quick=True)
        found = results.bench()
        patch.setattr(equal_macs.answer_times, "run", None)
        equal_macs.measure_bench(work, results, quick=True)
    return work, found, results.bench()


def test_models_have_what_they_cost(measured):
    work, found, _ = measured
    dense, uoe = found.subjects
    assert [subject.model for subject in found.subjects] == ["dense", "uoe"]
    assert dense.over_dense == 1 and dense.ms > 0 and uoe.low <= uoe.ms <= uoe.high
    assert dense.partitions is None and (dense.graphs, uoe.graphs) == (1, 7)
    for subject in found.subjects:
        record = Bundle.open(work / "equal-macs" / f"{subject.model}.mvmoe").manifest
        assert subject.bundle_bytes == sum(file.bytes for file in record.targets["onnx"].files)
        assert subject.params_active <= subject.params_total == record.model.params_total
        assert subject.resident_one is not None and subject.resident_all is not None
    assert uoe.params_active < uoe.params_total


def test_a_table_that_is_there_is_not_made_again(measured):
    _, found, again = measured
    assert again == found
