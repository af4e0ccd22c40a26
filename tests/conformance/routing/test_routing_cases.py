"""The cases on mvmoe_deploy, on a second reader, and on wrong ones, which must fail."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from page_routing import PageReader
from routing_reference import BatchReader, ReferenceReader
from routing_suite import CASES, failures, files, from_bits, to_bits
from wrong_routing import WRONG

from mvmoe_deploy import part_lookup
from mvmoe_deploy.error_codes import CODES
from mvmoe_deploy.routing.plain_data import rule_from

HERE = Path(__file__).parent


def _generator():
    found = importlib.util.spec_from_file_location("generate_routing", HERE / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("reader", [ReferenceReader(), BatchReader(), PageReader()])
def test_a_right_reader_passes_every_row(reader):
    assert list(failures(reader)) == []


@pytest.mark.parametrize("reader", WRONG, ids=lambda reader: reader.__name__)
def test_a_wrong_reader_is_caught(reader):
    assert next(failures(reader()), None) is not None


def test_there_are_enough_wrong_readers():
    assert len(WRONG) >= 40


def test_the_cases_are_what_their_program_writes():
    generator = _generator()
    for name, found in generator.cases().items():
        assert (CASES / f"{name}.json").read_text(encoding="utf-8") == generator.text_of(found)


def test_every_rule_has_cases_of_every_kind():
    """As many as a reader could not pass by chance, ties and routes of every length among them."""
    found = dict(files())
    assert set(found) == {*part_lookup.built_in_names("rules"), "refused"}
    for name in part_lookup.built_in_names("rules"):
        rows = [row for case in found[name] for row in case["rows"]]
        assert len(rows) >= 500
        assert sum("imposed" in row for row in rows) >= 100
        ties = [row for row in rows if len(set(from_bits(row["logits"]))) < len(row["logits"]) // 8]
        assert len(ties) >= 100
    for name in ("top_p", "threshold"):
        lengths = {len(row.get("route", [])) for case in found[name] for row in case["rows"]}
        assert lengths >= {1, 2, 3, 4}


@pytest.mark.parametrize("name", ["top_k", "top_p", "threshold"])
def test_a_route_of_kept_experts_stays_as_it_is_bit_for_bit(name):
    """Those of all experts that have kept ones alone; and there are others, and ties."""
    page, stay, leave = PageReader(), 0, 0
    cases = [case for case in dict(files())[name] if case["rule"].get("kept")]
    for case in cases:
        for row in (row for row in case["rows"] if "route" in row):
            logits = from_bits(row["logits"])
            route, gates = page.select({**case["rule"], "kept": None}, logits)
            if set(route) <= set(case["rule"]["kept"]):
                stay += 1
                assert (row["route"], row["gates"]) == (route, to_bits(gates))
            else:
                leave += 1
                assert row["route"] != route
    assert len(cases) >= 6
    assert min(stay, leave) >= 50


def test_the_margins_are_those_of_the_rules():
    for name, cases in files():
        for case in cases if name != "refused" else []:
            rows = [row for row in case["rows"] if "margin" in row]
            logits = np.float32([from_bits(row["logits"]) for row in rows])
            margins = [math.inf if row["margin"] is None else row["margin"] for row in rows]
            found = rule_from(case["rule"]).margins(logits)
            np.testing.assert_allclose(found, margins, rtol=1e-6, atol=1e-6)


def test_codes_are_those_of_the_list():
    (refused,) = (cases for name, cases in files() if name == "refused")
    codes = {row["code"] for case in refused for row in case["rows"]}
    wanted = {"rule-invalid", "not-finite", "logits-shape", "unknown-route"}
    wanted |= {"choice-missing", "choice-unknown", "no-such-choice"}
    assert codes == {f"routing.{name}" for name in wanted}
    assert codes <= set(CODES)


def test_bits_are_read_and_written_as_the_page_says():
    assert from_bits("3f800000c0000000") == [1.0, -2.0]
    assert to_bits([1.0, -2.0]) == "3f800000c0000000"
    assert to_bits([0.1]) == "between"  # no fp32 number: a gate that was not rounded
