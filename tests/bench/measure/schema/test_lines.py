"""The published schema is the code's, and measurements declare their own lines."""

import json
from pathlib import Path

from expected_errors import raises

from mvmoe_bench.measure.jobs.stream import StreamSample
from mvmoe_bench.measure.schema.lines import json_schema, line_decoder
from mvmoe_deploy.errors import InputError

PUBLISHED = Path(__file__).parents[4] / "docs" / "results.schema.json"


def test_the_published_schema_is_the_codes():
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(json_schema()))


def test_all_kinds_of_lines_are_in_it():
    assert set(json_schema()["discriminator"]["mapping"]) == {
        "run", "resumed", "opened", "answer", "sample", "start", "load", "memory", "stream",
        "change", "paced", "timed", "sustained", "preparation", "reference", "yardstick",
        "overhead", "placement", "advice", "failure", "done",
    }  # fmt: skip


def test_a_kind_of_line_that_there_is_already_is_refused(plug_in, monkeypatch):
    code = """
from mvmoe_bench.measure.jobs.contract import Measurement
from mvmoe_bench.measure.schema.records import JobRecord

class Another(JobRecord, tag="start", frozen=True):
    pass

class Second(Measurement):
    name = "second"
    records = (Another,)

PART = Second()
"""
    plug_in("second_start", code, "[mvmoe.parts]\nmeasurements.second = second_start\n")
    with raises(InputError, "part.invalid", name="second", found="start"):
        line_decoder()


def test_a_sequence_without_a_budget_has_none():
    laps = {"stem": 1, "select": [], "load": [], "expert": [], "rest": 1}
    line = {
        "kind": "stream", "job": "j", "subject": "s", "repeat": 0, "budget": None, "number": 0,
        "image": 0, "routes": [], "cold": [], "switched": [], "ns": 2, "laps": laps,
    }  # fmt: skip
    decoded = line_decoder().decode(json.dumps(line))
    assert isinstance(decoded, StreamSample) and decoded.budget is None
