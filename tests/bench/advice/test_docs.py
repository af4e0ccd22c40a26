"""`docs/placement.md` lists every rule with its reason and where it is known from."""

import re
from pathlib import Path

import pytest

from mvmoe_bench.advice import all_rules
from mvmoe_bench.advice.rules import dispatch_cost, partitions
from mvmoe_bench.advice.rules.neural_engine_operators import LEAVES

RULES = all_rules()
TEXT = (Path(__file__).parents[3] / "docs" / "placement.md").read_text()
LINKS = re.compile(r"https://[^\s);,]+")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_is_in_both_tables_with_its_links(rule):
    assert len(re.findall(rf"^\| `{rule.name}` \|", TEXT, flags=re.MULTILINE)) == 2
    assert [link for link in LINKS.findall(rule.source) if link not in TEXT] == []


def test_no_rule_is_listed_that_does_not_exist():
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", TEXT, flags=re.MULTILINE))
    assert listed == {rule.name for rule in RULES}


def test_the_sources_of_single_findings_are_there_too():
    for source in (*partitions._SOURCES.values(), *LEAVES.values()):
        assert [link for link in LINKS.findall(source) if link not in TEXT] == []


def test_the_figures_of_the_estimate_are_the_codes():
    assert f"| {dispatch_cost._CALL_MS} ms |" in TEXT
    assert f"| {dispatch_cost._ENGINE_GFLOPS} GFLOP/s in fp16 |" in TEXT
    assert f"| {dispatch_cost._CPU_GFLOPS:.0f} GFLOP/s in fp32 |" in TEXT
