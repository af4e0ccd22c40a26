"""`docs/placement.md` says of the rules what they say themselves."""

from pathlib import Path

from mvmoe_bench.advice.rules_page import with_rules
from mvmoe_deploy import part_lookup
from mvmoe_export.neural_engine import NEURAL_ENGINE
from mvmoe_export.targets import engines_of

TEXT = (Path(__file__).parents[3] / "docs" / "placement.md").read_text()


def test_the_page_is_what_the_rules_make_of_it():
    assert with_rules(TEXT) == TEXT, (
        "run: python -m mvmoe_bench.advice.rules_page docs/placement.md"
    )


def test_every_rule_is_in_both_tables():
    for name in part_lookup.built_in_names("advice"):
        assert TEXT.count(f"\n| `{name}` |") == 2


def test_the_sources_of_single_findings_are_there_too():
    engines = [
        engine
        for name in part_lookup.built_in_names("targets")
        for engine in engines_of(name, plugins=False)
    ]
    of_engines = [(*engine.sources, *engine.axes_sources) for engine in engines]
    of_bytes = [
        source for engine in engines for row in engine.bytes_only.values() for source in row
    ]
    assert of_bytes
    assert [source for source in of_bytes if source.title not in TEXT] == []
    for sources in (*of_engines, *NEURAL_ENGINE.leaves.value.values()):
        assert [source for source in sources if source.address not in TEXT] == []
