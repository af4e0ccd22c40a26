"""Which engine a subject says that it really got."""

from types import SimpleNamespace

from expected_errors import raises

from mvmoe_bench.measure.schema.records import EngineChoice
from mvmoe_bench.measure.subjects import find_kind
from mvmoe_bench.measure.subjects.contract import actual_engine
from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError


def test_a_provider_is_where_the_runner_says_it_runs():
    runner = SimpleNamespace(description="ONNX Runtime 1 (CPU)", provider="CPU")
    found = actual_engine(runner)
    assert found == EngineChoice(engine="ONNX Runtime 1 (CPU)", provider="CPU")


def test_the_subjects_of_this_installation_are_found():
    known = {"dispatcher", "bare", "static", "all-experts", "gather", "dense", "eager", "compile"}
    assert known <= set(part_lookup.names("subjects"))
    for name in known:
        assert name == find_kind(name).name
    with raises(InputError, "part.unknown", kind="subjects", name="magic"):
        find_kind("magic")
