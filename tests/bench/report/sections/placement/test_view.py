"""Placements that were measured and estimates are apart, each column with its own text."""

from mvmoe_bench.measure.jobs.placement import PlacementLine
from mvmoe_bench.measure.schema.records import Advice

KEY = "dispatcher:digits:onnx"


def _advice(severity, **fields):
    given = {"graph": "stem", "text": "text", "reason": "why", "source": "https://x.example/a"}
    return Advice(bundle="digits", target="onnx", engine="NNAPI", rule="r", severity=severity,
                  **given | fields)  # fmt: skip


def test_measured_placements(factory, shown):
    placed = PlacementLine(
        job="p", subject=KEY, graph="stem", by_unit={"cpu": 3, "gpu": 1200},
        cost_by_unit={"gpu": 0.25, "cpu": 0.75}, outside={"softmax": 2},
    )  # fmt: skip
    run = factory.run([factory.subject("dispatcher")], lines=[placed])

    assert shown(run, "placement").rows() == [
        {"subject": "dispatcher", "graph": "stem", "operators by unit": "gpu 1,200, cpu 3",
         "cost by unit": "gpu 25%, cpu 75%", "off the wanted unit": "softmax 2"}
    ]  # fmt: skip


def test_estimates_have_the_worst_first_and_name_their_graphs_once(factory, shown):
    lines = [_advice("info"), _advice("problem", graph="a"), _advice("problem", graph="b")]
    lines += [_advice("problem", graph=name) for name in "abcde"]
    run = factory.run([factory.subject("dispatcher")], lines=lines)

    first, second = shown(run, "placement").rows()

    assert first == {
        "severity": "problem", "finding": "text", "where": "digits, onnx: a, b, c and 2 more",
        "reason": "why", "source": "x.example/a",
    }  # fmt: skip
    assert (second["severity"], second["where"]) == ("info", "digits, onnx: stem")
    table = shown(run, "placement").blocks[0]
    assert table.caption == "ESTIMATE for NNAPI, not measured"
    assert [row[0].tone for row in table.rows] == ["bad", ""]


def _on_nnapi(factory, placement, provider="NNAPI"):
    """A run of a target whose stem has this placement."""
    target = factory.target() | {"graphs": [{"name": "stem", "placement": placement}]}
    bundle = factory.bundle(targets={"onnx": target})
    subject = factory.subject("dispatcher", requested=factory.choice("ONNX Runtime", provider))
    return lambda *lines: factory.run([subject], [bundle], lines=lines)


RECORDED = {
    "engine": "nnapi", "partitions": 2, "nodes": 40, "nodes_outside": 3,
    "outside": {"Erf": 2, "Gather": 1}, "verdict": "MAYBE",
}  # fmt: skip


def test_pieces_that_export_recorded_are_an_estimate_of_the_engine_that_was_asked_for(
    factory, shown
):
    run = _on_nnapi(factory, [RECORDED, {**RECORDED, "engine": "coreml-ep", "partitions": 9}])
    section = shown(run(), "placement")

    assert section.rows() == [
        {"subject": "dispatcher", "graph": "stem", "partitions": "2", "operators": "40",
         "fall back": "3", "which": "Erf 2, Gather 1"}
    ]  # fmt: skip
    assert section.blocks[0].caption.startswith("ESTIMATE, made at export")
    assert "did not say what it takes of: dispatcher" in section.blocks[1].paragraphs[0]


def test_what_the_engine_says_itself_stands_beside_the_estimate(factory, shown):
    said = PlacementLine(
        job="p", subject=KEY, graph="stem", by_unit={"NNAPI": 37, "CPU": 3}, cost_by_unit=None,
        outside={"Erf": 2},
    )  # fmt: skip
    blocks = shown(_on_nnapi(factory, [RECORDED])(said), "placement").blocks

    assert [block.caption.partition(":")[0] for block in blocks] == [
        "Measured", "ESTIMATE, made at export",
    ]  # fmt: skip


def test_an_engine_of_whole_graphs_and_damaged_records_have_no_pieces(factory):
    from mvmoe_bench.report.run_summary import summarize_run

    for run in (
        _on_nnapi(factory, [RECORDED], provider="CPU")(),
        _on_nnapi(factory, [{"engine": "nnapi"}])(),
        _on_nnapi(factory, 3)(),
    ):
        assert "placement" not in summarize_run(run).sections
