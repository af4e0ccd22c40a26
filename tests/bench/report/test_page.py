"""The page as text: hostile names stay text, partial runs give fewer sections, never an error."""

import re

import pytest
from markupsafe import escape

from mvmoe_bench.measure.schema import records
from mvmoe_bench.report.compare import compare_runs
from mvmoe_bench.report.comparison import comparison_document
from mvmoe_bench.report.document import document
from mvmoe_bench.report.markdown import markdown
from mvmoe_bench.report.page import page
from mvmoe_bench.report.run_summary import summarize_run
from mvmoe_bench.report.section_part import section_parts
from mvmoe_deploy.part_lookup import names


def _html(run):
    return page(document(summarize_run(run)))


@pytest.fixture(scope="module")
def lifelike(factory):
    return factory.lifelike(repeats=6, rounds=12)


@pytest.fixture(scope="module")
def whole(lifelike):
    """Its page."""
    return _html(lifelike)


@pytest.fixture(scope="module")
def hostile(factory):
    return factory.hostile()


@pytest.fixture(scope="module")
def hostile_page(hostile):
    """Its page."""
    return _html(hostile)


def test_every_section_is_there(whole):
    text = whole

    there = re.findall(r'<section id="([a-z-]+)"', text)
    parts = [part.name for part in section_parts()]
    assert sorted(parts) == names("sections")
    assert parts[0] == "ship"  # It stands on the first screen, above what was found.
    parts.remove("ship")
    parts.remove("finishing")  # All images of this run go through all stages.
    parts.remove("host-time")  # And nothing ran its graphs alone.
    parts.remove("precisions")  # And its bundle has one of each format.
    assert there == ["summary", "ship", "sentences", *parts, "glossary"]
    assert len(text) < 2_000_000


def test_the_same_run_gives_the_same_page(hostile, hostile_page):
    assert _html(hostile) == hostile_page


def test_ids_are_unique_and_nothing_refers_outside(whole):
    text = whole

    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert {
        ref for ref in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text) for ref in ref if ref
    } <= set(ids)
    links = re.findall(r'<a href="(https?://[^"]+)" rel="noreferrer noopener">', text)
    assert set(links) == {"https://github.com/apple/ml-ane-transformers"}
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", text)) - set(links)
    assert addresses <= {"http://www.w3.org/1999/xlink"}
    assert "#0102" not in text


def test_hostile_names_stay_text(hostile_page):
    text = hostile_page

    assert text.count("<script>") == 1
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert "49" not in re.findall(r"\{\{ .*? \}\}|49 \|", text)
    assert "{{ 7 * 7 }}" in text
    for label in re.findall(r'aria-label="([^"]*)"', text):
        assert "<" not in label


@pytest.mark.parametrize(
    ("source", "links", "shown"),
    [
        ("a, b (https://x.example/c#1); d (http://y.example)",
         ["https://x.example/c#1", "http://y.example"], "a, b; d"),
        ("https://x.example/c", ["https://x.example/c"], "x.example/c"),
        ("see a (https://x.example) and b", ["https://x.example"], "see a and b"),
        ("a (javascript:alert(1))", [], "a (javascript:alert(1))"),
        ("a (JavaScript://x.example/%0aalert(1))", [], "a (JavaScript://x.example/%0aalert(1))"),
        ("a (data:text/html,<b>)", [], "a (data:text/html,<b>)"),
        ("a (https://x.example/\"onclick=alert(1))", [],
         "a (https://x.example/\"onclick=alert(1))"),
        ("a [b](https://x.example/|c)", [], "a [b](https://x.example/|c)"),
    ],
)  # fmt: skip
def test_only_web_addresses_of_sources_become_links(factory, source, links, shown):
    advice = records.Advice(
        bundle="digits", target="onnx", graph=None, engine="x", rule="r", severity="info",
        text="t", reason="r", source=source,
    )  # fmt: skip
    run = factory.run([factory.subject("dispatcher")], lines=[advice])

    made = document(summarize_run(run))

    (section,) = (section for section in made.sections if section.id == "placement")
    cell = section.blocks[0].rows[0][-1]
    text = page(made)
    assert cell.text == shown
    assert [piece.url for piece in cell.pieces if piece.url] == links
    assert re.findall(r'<a href="([^#"][^"]*)"', text) == links
    assert escape(shown) in text if not links else "noreferrer noopener" in text
    assert len(re.findall(r"(?<!\\)\]\(", markdown(made))) == len(links)


def test_hostile_names_stay_text_in_markdown(hostile):
    text = markdown(document(summarize_run(hostile)))

    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "http://" not in text
    assert "\x1b" not in text
    for line in text.splitlines():
        assert not re.search(r"(?<!\\)<(?!/?(details|summary)>|!-- mvmoe report -->$)", line)


def test_hostile_names_stay_text_in_a_comparison(hostile):
    found = compare_runs(hostile, hostile)

    text = page(comparison_document(found, hostile.path, hostile.path))

    assert "<script>alert" not in text


def test_failures_and_warnings_come_before_the_summary(factory):
    s = factory.subject("dispatcher")
    lines = factory.constant(s.key, 8.0, repeats=2)
    lines.append(records.Failure(job="x", subject=None, message="the worker was killed"))

    text = _html(factory.run([s], lines=lines))

    assert (
        text.index("the worker was killed") < text.index("Only 2 repeats") < text.index("In short")
    )


@pytest.mark.parametrize(
    "kind",
    ["Sample", "Start", "StreamSample", "GraphLoad", "Advice"],
)
def test_any_kind_of_line_alone_makes_a_page(factory, kind):
    run = factory.lifelike(repeats=2, rounds=6)
    alone = [line for line in run.lines if type(line).__name__ == kind]
    assert alone

    made = document(summarize_run(factory.run(run.run.subjects, run.run.bundles, alone)))

    assert "Not measured in this run" in made.foot
    assert page(made)
    assert markdown(made)


def test_an_empty_run_makes_a_page(factory):
    run = factory.run([factory.subject("dispatcher")], [factory.bundle(targets={})])

    assert "no latency measurements" in _html(run)


def test_many_routes_are_cut_to_the_most_used(factory):
    run = factory.lifelike(experts=10, k=2, stages=1, repeats=6, rounds=80)

    made = document(summarize_run(run))

    (routes,) = (section for section in made.sections if section.id == "routes")
    chart, table = routes.blocks[0], routes.blocks[-1]
    assert len(chart.plot.rows) == 12
    assert "rarer routes" in chart.caption
    assert len(table.rows) > 24
    assert table.folded


def test_sixty_four_experts_and_a_thousand_classes_stay_small(factory):
    s = factory.subject("dispatcher")
    lines = [
        factory.answer(s.key, image, ((image % 64,),), f"class {image % 1000}")
        for image in range(3000)
    ]
    run = factory.run([s], [factory.bundle(experts=64)], lines)

    made = document(summarize_run(run))

    (classes,) = (section for section in made.sections if section.id == "classes")
    assert "960 classes with fewer images are in the table only" in classes.blocks[0].caption
    assert len(page(made)) < 2_000_000


def test_markdown_has_the_sentences_and_tables_but_no_pictures(lifelike):
    text = markdown(document(summarize_run(lifelike)))

    assert "## In short" in text
    assert "**Speed.** An image takes" in text
    assert "| dispatcher, onnx |" in text
    assert "<svg" not in text
    widths = {}
    for line in text.splitlines():
        if line.startswith("|---"):
            widths[line] = line.count("|")
    assert widths


def test_every_chart_says_its_n(lifelike):
    made = document(summarize_run(lifelike))

    for section in made.sections:
        for block in section.blocks:
            if hasattr(block, "plot"):
                assert re.search(r"\bn\b", block.caption), block.title
                assert block.label


def test_a_screen_reader_says_what_is_written_and_drawn(lifelike):
    made = document(summarize_run(lifelike))
    spoken = {
        section.id: next(block.label for block in section.blocks if hasattr(block, "plot"))
        for section in made.sections
        if any(hasattr(block, "plot") for block in section.blocks)
    }
    found = compare_runs(lifelike, lifelike)
    compared = comparison_document(found, lifelike.path, lifelike.path).sections[0].blocks[0].label

    ms = r"[\d.]+ ms \([\d.]+ to [\d.]+, n = 72\)"
    assert re.fullmatch(rf"Time an image takes: (.* {ms}; ){{7}}eager {ms}", spoken["latency"])
    assert re.search(
        rf"dispatcher, onnx {ms}, decode [\d.]+, resize [\d.]+, stem [\d.]+, select",
        spoken["parts"],
    )
    assert "onnx: answer 4.2e-07 (bound 1e-04)" in spoken["parity"]
    assert re.search(
        r"room for one expert: median [\d.]+ ms, p90 [\d.]+ ms, p95", spoken["residency"]
    )
    assert re.search(r"static:digits:onnx 1\.000? times \(.*\), not told apart", compared)


def test_the_line_of_routes_is_drawn_under_the_shares_that_the_bars_show(factory):
    s = factory.subject("dispatcher")
    lines = []
    for expert, ms in ((0, 8.0), (1, 16.0)):
        for sample in factory.constant(s.key, ms, routes=((expert,),), laps=factory.laps()):
            lines.append(sample)
    bundle = factory.bundle(usage_prior=(factory.prior({(0,): 0.9, (1,): 0.1}),))
    given = {"digits": (factory.prior({(0,): 0.25, (1,): 0.75}),)}

    run = factory.run([s], [bundle], lines, inputs={"distribution": given})
    made = document(summarize_run(run))

    (routes,) = (section for section in made.sections if section.id == "routes")
    chart = routes.blocks[0]
    assert chart.plot.expected.ms.value == pytest.approx(0.25 * 8 + 0.75 * 16)
    assert "under the given distribution" in chart.caption
