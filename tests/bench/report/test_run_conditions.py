"""Unlike runs are not mixed; alike ones are, with their repeats counted on."""

from pathlib import Path

import pytest
from expected_errors import raises

from mvmoe_bench.report.run_conditions import merge, require_same_conditions
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_deploy.errors import InputError


def _run(factory, ms=8.0, **fields):
    s = factory.subject("dispatcher", threads=fields.get("threads", 1))
    return factory.run([s], lines=factory.constant(s.key, ms, repeats=4), **fields)


def test_alike_runs_are_merged_with_their_repeats_counted_on(factory):
    merged = merge([_run(factory, 8.0), _run(factory, 10.0, id="second")])

    wall = summarize_run(merged).sections["latency"]["dispatcher:digits:onnx"].wall_ms

    assert (wall.repeats, wall.n, wall.value) == (8, 80, 9)
    assert {line.repeat for line in merged.lines} == set(range(8))


def test_what_changes_from_minute_to_minute_does_not_matter(factory):
    require_same_conditions([_run(factory), _run(factory, identity={"load_average": [9, 9, 9]})])


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"identity": {"cpu": "Apple M4"}}, "CPU model"),
        ({"identity": {"cores_logical": 8}}, "logical cores"),
        ({"identity": {"os": "Linux-7"}}, "operating system"),
        ({"identity": {"packages": {"onnxruntime": "1.32"}}}, "version of"),
        ({"threads": 2}, "threads"),
        ({"device": "android"}, "device"),
        ({"preset": "quick"}, "preset"),
        ({"inputs": {"sha256": "cd" * 32}}, "images"),
        ({"inputs": {"forced": True}}, "forced routes"),
        ({"inputs": {"order": "name"}}, "order of the sequence"),
    ],
)
def test_unlike_runs_are_refused_by_name(factory, other, named):
    runs = [_run(factory, path=Path("a.jsonl")), _run(factory, path=Path("b.jsonl"), **other)]

    with raises(InputError, "results.unlike") as refused:
        require_same_conditions(runs)

    message = str(refused.value)
    assert "a.jsonl and b.jsonl" in message
    assert named in message
    assert "--compare" in message


def test_another_bundle_is_unlike(factory):
    s = factory.subject("dispatcher")
    one = factory.run([s], [factory.bundle()])
    import msgspec

    changed = msgspec.structs.replace(factory.bundle(), sha256="00" * 32)

    with raises(InputError, "results.unlike", found="bundle digits"):
        require_same_conditions([one, factory.run([s], [changed])])


def test_a_run_is_not_counted_twice(factory):
    run = factory.run([factory.subject("dispatcher")])
    with pytest.raises(InputError, check=lambda error: error.code == "results.unlike"):
        merge([run, run])
