"""Routes in table, sentences and plot: every number in its place."""

import pytest

from mvmoe_deploy.picture_look import LIGHT

KEY = "dispatcher:digits:onnx"


@pytest.fixture(scope="module")
def run(factory):
    """Route 0 takes 8 ms (its graph 2 ms) and route 1 takes 16 ms (its graph 10 ms)."""
    lines = []
    for expert, ms in ((0, 8.0), (1, 16.0)):
        laps = factory.laps(stem=5.0, select=0.1, load=0.1, expert=ms - 6, rest=0.8)
        lines += [
            factory.sample(KEY, ms, repeat, number + 10 * expert, routes=((expert,),), laps=laps)
            for repeat in range(6)
            for number in range(4 - 2 * expert)
        ]
    bundle = factory.bundle(usage_prior=(factory.prior({(0,): 0.9, (1,): 0.1}),))
    given = {"digits": (factory.prior({(0,): 0.25, (1,): 0.75}),)}
    inputs = {"distribution": given}
    return factory.run([factory.subject("dispatcher")], [bundle], lines, inputs=inputs)


def test_every_route(shown, run):
    second, first = shown(run, "routes").rows(1)

    assert first == {
        "subject": "dispatcher", "route": "0", "p50 ms": "8.00", "p50 ms interval": "8.00 to 8.00",
        "p90 ms": "8.00", "p95 ms": "8.00", "expert ms": "2.00",
        "expert ms interval": "2.00 to 2.00",
        "prior": "90%", "given": "25%", "observed": "67%", "n": "24",
    }  # fmt: skip
    assert (second["route"], second["p50 ms"], second["expert ms"]) == ("1", "16.0", "10.0")
    assert (second["prior"], second["given"], second["observed"]) == ("10%", "75%", "33%")
    # Of twelve answers one lies beyond p90, and none need lie beyond p95.
    assert (second["p90 ms"], second["p95 ms"], second["n"]) == ("16.0", "16.0*", "12")


def test_expected_latencies(shown, run):
    rows = {row["under"]: row for row in shown(run, "routes").rows()}

    ms = {under: row["expected ms"] for under, row in rows.items()}
    assert ms == {"usage prior": "8.80", "given distribution": "14.0", "observed usage": "10.7"}
    row = rows["given distribution"]
    assert (row["measured share"], row["n"], row["repeats"]) == ("100%", "36", "6")
    assert row["expected ms interval"] == "14.0 to 14.0"


def test_the_slowest_route_is_named(shown, run):
    (text,) = (b.paragraphs for b in shown(run, "routes").blocks if hasattr(b, "paragraphs"))

    assert text == (
        "dispatcher: the route with the highest median is 1 with 16.0 ms (95%: 16.0 to 16.0, "
        "n = 12): 2.00 times the others (95%: 2.00 to 2.00), told apart from them.",
    )


def test_bars_are_as_long_as_medians_and_as_thick_as_shares(shown, run, bars):
    (axes,) = shown(run, "routes").axes()

    found = [(left, width, colour) for left, width, _, _, colour in bars(axes)]
    assert found == [
        (0, 6, LIGHT["c6"]), (6, 10, LIGHT["c3"]), (0, 6, LIGHT["c6"]), (6, 2, LIGHT["c3"]),
    ]  # fmt: skip
    heights = [height for *_, height, _ in bars(axes)]
    assert heights[2] / heights[0] == pytest.approx(0.25 / 0.75)
    lines = [(list(line.get_xdata()), line.get_marker()) for line in axes.get_lines()]
    assert [line for line in lines if line[1] == "|"] == [([16, 16], "|"), ([8, 8], "|")]
    assert ([14, 14], "None") in lines
    assert "expected 14.0 ms" in [text.get_text() for text in axes.texts]
