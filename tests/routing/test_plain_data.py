"""Rules as plain data: found by their name, decoded by their own fields."""

import sys
from importlib.metadata import EntryPoint

import best_share
import msgspec
import pytest
from expected_errors import raises
from hypothesis import given
from hypothesis import strategies as st

from mvmoe_deploy import part_lookup
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.routing.plain_data import find_rule, rule_decoder, rule_from, rule_schemas
from mvmoe_deploy.routing.top_k import TopK

NIGHT = {"type": "given", "experts": 3, "routes": {"night": [0]}}


@pytest.fixture
def plugin(monkeypatch):
    """The rule `best_share` as another distribution would bring it."""
    entry = EntryPoint("rules.best_share", "best_share", part_lookup.GROUP)
    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [entry])


@given(
    st.integers(1, 12).flatmap(lambda e: st.tuples(st.just(e), st.integers(1, e))), st.booleans()
)
def test_a_rule_comes_back_as_it_was(sizes, renormalize):
    rule = TopK(experts=sizes[0], k=sizes[1], renormalize=renormalize)
    content = msgspec.to_builtins(rule)
    assert content["type"] == "top_k"
    assert rule_from(content, plugins=False) == rule


def test_fields_have_defaults_but_the_name():
    assert rule_from({"type": "top_k", "experts": 3}, plugins=False) == TopK(experts=3)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (3, "routing.rule-invalid"),
        ({}, "routing.rule-invalid"),
        ({"experts": 3}, "routing.rule-invalid"),
        ({"type": "nope"}, "part.unknown"),
        ({"type": "contract"}, "part.unknown"),
        ({"type": "top-k", "experts": 3}, "part.unknown"),
        ({"type": ["top_k"]}, "routing.rule-invalid"),
        ({"type": "top_k", "experts": 3, "k": 4}, "routing.rule-invalid"),
        ({"type": "top_k", "experts": 0}, "routing.rule-invalid"),
        ({"type": "top_k", "experts": 3, "z": 1}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {"": [0]}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {"a\n": [0]}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {"a": []}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {"a": [3]}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": {"a": [1, 0]}}, "routing.rule-invalid"),
        ({"type": "given", "experts": 3, "routes": [[0]]}, "routing.rule-invalid"),
        ({**NIGHT, "choice": "Time of day"}, "routing.rule-invalid"),
        ({**NIGHT, "choice": ""}, "routing.rule-invalid"),
        ({**NIGHT, "otherwise": NIGHT}, "routing.rule-invalid"),
        ({**NIGHT, "otherwise": {"type": "top_k", "experts": 4}}, "routing.rule-invalid"),
        ({**NIGHT, "otherwise": {"type": "top_k", "experts": 3, "k": 4}}, "routing.rule-invalid"),
        ({**NIGHT, "otherwise": {"type": "top_k", "experts": 3, "z": 4}}, "routing.rule-invalid"),
        ({**NIGHT, "otherwise": {"type": "nope", "experts": 3}}, "part.unknown"),
        ({**NIGHT, "otherwise": 3}, "routing.rule-invalid"),
    ],
)
def test_what_is_no_rule_is_refused(content, code):
    with pytest.raises(InputError, check=lambda error: error.code == code):
        rule_from(content, plugins=False)


def test_the_sentence_says_of_which_rule_a_field_is():
    with raises(InputError, "routing.rule-invalid") as caught:
        rule_from({"type": "top_k", "experts": 0}, plugins=False)
    assert str(caught.value).endswith(">= 1 - at `$.experts` (of the rule top_k)")


def test_a_rule_of_another_distribution_has_to_be_allowed(plugin, monkeypatch):
    monkeypatch.delitem(sys.modules, "best_share")
    content = {"type": "best_share", "experts": 4, "p": 0.5, "k_max": 2}
    with pytest.raises(InputError, check=lambda error: error.code == "part.plugin-not-allowed"):
        rule_from(content, plugins=False)
    assert "best_share" not in sys.modules
    monkeypatch.setitem(sys.modules, "best_share", best_share)
    assert rule_from(content, plugins=True) == best_share.BestShare(experts=4, p=0.5, k_max=2)
    assert find_rule("best_share", plugins=True) is best_share.BestShare


def test_a_rule_within_a_rule_comes_back_as_it_was_and_has_to_be_allowed(plugin):
    inner = {"type": "best_share", "experts": 3, "p": 0.5, "k_max": 2}
    content = {**NIGHT, "choice": "time", "otherwise": inner}
    rule = rule_from(content, plugins=True)
    assert rule.otherwise == best_share.BestShare(experts=3, p=0.5, k_max=2)
    assert rule_from(msgspec.to_builtins(rule), plugins=True) == rule
    with pytest.raises(InputError, check=lambda error: error.code == "part.plugin-not-allowed"):
        rule_from(content, plugins=False)


def test_a_decoder_knows_no_other_type():
    with pytest.raises(NotImplementedError):
        rule_decoder(False)(int, 3)


def test_the_schema_has_the_built_in_rules():
    schema, definitions = rule_schemas()
    assert schema == {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in definitions]}
    assert set(definitions) == {"Given", "Threshold", "TopK", "TopP"}
    inner = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Threshold", "TopK", "TopP")]}
    assert definitions["Given"]["properties"]["otherwise"]["anyOf"] == [inner, {"type": "null"}]
    assert set(definitions["TopK"]["properties"]) == {
        *("type", "experts", "k", "renormalize", "unit_gates", "kept")
    }
