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
