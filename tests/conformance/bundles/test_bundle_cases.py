"""The cases on mvmoe_deploy, on a second reader, and on wrong ones, which must fail."""

import functools
import importlib.util
import re
from pathlib import Path

import page_bundles
import page_manifest
import pytest
from bundles_reference import ReferenceReader
from bundles_suite import CASES, VALID, Workplace, cases, failures, valid_bundles, valid_files
from page_bundles import PageReader

from mvmoe_deploy import part_lookup
from mvmoe_deploy.error_codes import CODES

HERE = Path(__file__).parent


@functools.cache
def generator():
    found = importlib.util.spec_from_file_location("generate_bundles", HERE / "generate.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_reader_passes_every_case():
    assert list(failures(ReferenceReader())) == []


def test_the_second_reader_reads_every_valid_bundle():
    """What it says of the cases is below."""
    with Workplace(valid_files()) as place:
        for bundle in valid_bundles():
            assert place.outcome(PageReader(), bundle["name"], []) == (None, bundle["read"])


@functools.cache
def found_by_the_page():
    """For each case the checks of the second reader that find something in its first step."""
    found = []
    with Workplace(valid_files()) as place:
        for _, case in cases():
            with place.edited(case["bundle"], case["edits"]) as root:
                found.append((case, next(filter(None, PageReader().steps(root, {})), [])))
    return found


def test_no_order_of_checks_decides_a_case():
    for case, found in found_by_the_page():
        assert {code for _, code in found} == ({case["code"]} - {None}), case["name"]


def test_every_check_of_the_second_reader_is_asked_for():
    """Those whose names stand in its text, and hundreds that are of single fields."""
    fired = {check for _, found in found_by_the_page() for check, _ in found}
    source = Path(page_bundles.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'(?:note|once)\(\s*"([^"]+)"', source))
    named |= set(re.findall(r'_distinct\(.*, "([^"]+)", note\)', source))
    assert len(named) > 80
    assert named - fired == set()
    assert len(fired) > 500


def test_a_reader_without_any_one_of_these_checks_is_caught():
    """It gives another code, or none, for a case that only this check refuses."""
    alone = {}
    for case, found in found_by_the_page():
        for check, _ in found:
            alone.setdefault(check, [])
            if len(found) == 1:
                alone[check].append(case)
    with Workplace(valid_files()) as place:
        for check, found in alone.items():
            outcomes = (
                (place.outcome(PageReader(check), case["bundle"], case["edits"])[0], case["code"])
                for case in found
            )
            assert any(code != expected for code, expected in outcomes), check


OTHER_DEFAULTS = [
    (page_manifest.given_input, "channel_order", "BGR"),
    (page_manifest.given_input, "resize", "squash"),
    (page_manifest.given_input, "crop_fraction", 0.875),
    (page_manifest.given_input, "interpolation", "bilinear"),
    (page_manifest.given_input, "mean", [0.5, 0.5, 0.5]),
    (page_manifest.given_input, "std", [0.5, 0.5, 0.5]),
    (page_manifest.bounds, "own_error_factor", 4.0),
    (page_manifest.bounds, "conditioned_error", 0.01),
    (page_manifest.records["top_k"], "k", 2),
    (page_manifest.records["top_k"], "renormalize", True),
    (page_manifest.records["given"], "choice", "task"),
]


@pytest.mark.parametrize(("record", "field", "other"), OTHER_DEFAULTS)
def test_a_reader_with_another_default_is_caught(record, field, other, monkeypatch):
    kind, _ = record.optional[field]
    monkeypatch.setitem(record.optional, field, (kind, other))
    with Workplace(valid_files()) as place:
        assert any(
            place.outcome(PageReader(), bundle["name"], [])[1] != bundle["read"]
            for bundle in valid_bundles()
        )


@pytest.mark.parametrize(
    "name",
    [
        "text",
        "fields",
        "values",
        "flow",
        "lists",
        "graphs",
        "tensors",
        "experts",
        "bound",
        "inner",
        "compressed",
        "shapes",
        "files",
        "golden",
    ],
)
def test_the_generator_writes_what_is_committed(name):
    assert generator().text(name) == (CASES / f"{name}.json").read_text(encoding="utf-8")


def test_the_valid_bundles_are_what_the_generator_writes():
    assert generator().valid_text() == (CASES / f"{VALID}.json").read_text(encoding="utf-8")


def test_every_file_is_one_of_the_generators():
    assert {path.stem for path in CASES.iterdir()} == {VALID, *generator().FILES}
    assert sum(path.stat().st_size for path in CASES.iterdir()) < 2**20


def test_the_cases_ask_for_codes_that_there_are_and_for_all_of_a_bundle():
    asked = {case["code"] for _, case in cases()} - {None}
    assert asked <= set(CODES)
    # These need another call, a system that refuses, or a manifest that has no better code.
    others = {
        "invalid",
        "wrong-manifest",
        "no-target",
        "replaced",
        "file-unreadable",
        "manifest-invalid",
        "unknown-format",
    }
    assert {code for code in CODES if code.startswith("bundle.")} - asked == {
        f"bundle.{code}" for code in others
    }


def test_the_valid_bundles_have_every_part_that_a_manifest_can_name():
    text = (CASES / f"{VALID}.json").read_text(encoding="utf-8").replace("\\", "")
    for kind in ("rules", "strategies", "outputs"):
        for name in part_lookup.built_in_names(kind):
            assert f'"{name}"' in text, name
    assert '"finishes":[[0]' in text


def test_there_are_enough_cases():
    assert len(list(cases())) > 1800
    assert sum(case["code"] is None for _, case in cases()) > 100
