"""Listings of a Swift module's public API, from symbol graphs as the compiler writes them."""

import json

import api_listing
import pytest


def symbol(name, kind, declaration, *, comment=True, constraints=()):
    entry = {
        "identifier": {"precise": name},
        "kind": {"identifier": f"swift.{kind}"},
        "pathComponents": name.split("."),
        "declarationFragments": [{"spelling": part} for part in declaration.partition(" ")],
    }
    if comment:
        entry["docComment"] = {"lines": [{"text": "What it is."}]}
    if constraints:
        entry["swiftExtension"] = {"constraints": list(constraints)}
    return entry


def relation(kind, source, target, fallback=None):
    found = {"kind": kind, "source": source, "target": target}
    return found | ({"targetFallback": fallback} if fallback else {})


@pytest.fixture
def graph(tmp_path):
    """A writer of a symbol graph of the module `Own`."""

    def write(symbols, relations=(), name="Own"):
        folder = tmp_path / "graphs/Own"
        folder.mkdir(parents=True, exist_ok=True)
        content = {"symbols": symbols, "relationships": list(relations)}
        (folder / f"{name}.symbols.json").write_text(json.dumps(content))
        return tmp_path / "graphs"

    return write


def lines(folder):
    text = api_listing.listing("Own", api_listing.read_module(folder, "Own"))
    return text.splitlines()[2:]


def test_members_are_within_their_types_sorted(graph):
    folder = graph(
        [
            symbol("Box", "struct", "struct Box"),
            symbol("Box.width", "property", "var width: Double { get }"),
            symbol("Box.left", "property", "let left: Double"),
            symbol("Box.Edge", "enum", "enum Edge"),
            symbol("Box.Edge.top", "enum.case", "case top"),
        ],
        [
            relation("memberOf", "Box.width", "Box"),
            relation("memberOf", "Box.left", "Box"),
            relation("memberOf", "Box.Edge", "Box"),
            relation("memberOf", "Box.Edge.top", "Box.Edge"),
            relation("conformsTo", "Box", "s:SH", "Swift.Hashable"),
            relation("conformsTo", "Box", "s:s8CopyableP", "Swift.Copyable"),
            relation("conformsTo", "Box", "s:Other", "Other.Shape"),
        ],
    )
    assert lines(folder) == [
        "struct Box: Hashable, Shape",
        "  enum Edge",
        "    case top",
        "  let left: Double",
        "  var width: Double { get }",
    ]


def test_what_a_protocol_does_not_ask_for_is_in_an_extension(graph):
    folder = graph(
        [
            symbol("Rule", "protocol", "protocol Rule : Sendable"),
            symbol("Rule.select", "method", "func select(_ logits: Logits) -> Route"),
            symbol("Rule.select2", "method", "func select(_ logits: [Float]) -> Route"),
            symbol("Rule.name", "property", "var name: String { get }"),
        ],
        [
            relation("requirementOf", "Rule.select", "Rule"),
            relation("defaultImplementationOf", "Rule.select2", "Rule.select"),
            relation("memberOf", "Rule.name", "Rule"),
            relation("conformsTo", "Rule", "s:s8SendableP", "Swift.Sendable"),
        ],
    )
    assert lines(folder) == [
        "extension Rule",
        "  func select(_ logits: [Float]) -> Route",
        "  var name: String { get }",
        "",
        "protocol Rule : Sendable",
        "  func select(_ logits: Logits) -> Route",
    ]


def test_an_extension_of_another_module_s_type_says_its_conditions(graph):
    graph([symbol("Own", "class", "final class Own")])
    constraint = {"kind": "sameType", "lhs": "Self", "rhs": "Own"}
    made = symbol("Engine.own", "method", "static func own() -> Own", constraints=[constraint])
    folder = graph([made], [relation("memberOf", "Engine.own", "s:Engine")], name="Own@Other")
    assert lines(folder) == [
        "extension Engine where Self == Own",
        "  static func own() -> Own",
        "",
        "final class Own",
    ]


def test_a_listing_is_written_and_compared(graph, tmp_path, capsys):
    folder, listings = graph([symbol("Box", "struct", "struct Box")]), tmp_path / "API"
    words = [str(folder), str(listings), "Own"]
    assert api_listing.main(words) == 1
    assert "make swift-api" in capsys.readouterr().out
    assert api_listing.main([*words, "--write"]) == 0
    assert api_listing.main(words) == 0
    graph([symbol("Box", "struct", "struct Box"), symbol("Route", "struct", "struct Route")])
    capsys.readouterr()
    assert api_listing.main(words) == 1
    assert "+struct Route" in capsys.readouterr().out.splitlines()


def test_what_has_no_comment_is_named(graph, tmp_path, capsys):
    folder = graph(
        [
            symbol("Box", "struct", "struct Box"),
            symbol("Box.width", "property", "var width: Double { get }", comment=False),
        ],
        [relation("memberOf", "Box.width", "Box")],
    )
    assert api_listing.main([str(folder), str(tmp_path / "API"), "Own", "--write"]) == 1
    assert capsys.readouterr().out == "Own: Box.width is public and has no comment\n"
