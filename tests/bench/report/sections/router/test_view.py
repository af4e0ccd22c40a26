"""The table, the notes and the sentence of routers."""

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"


def run(factory, images):
    experts = [expert for expert, count in enumerate(images) for _ in range(count)]
    lines = [factory.answer(KEY, i, ((expert,),)) for i, expert in enumerate(experts)]
    lines += factory.constant(KEY, 5.0, routes=((2,),), laps=factory.laps())
    return factory.run([factory.subject("dispatcher")], lines=lines)


def test_the_row_has_share_interval_and_verdict(factory, shown):
    found = shown(run(factory, (0, 1, 999)), "router")
    (row,) = found.rows()
    assert row["verdict"] == "collapsed"
    assert (row["most used route"], row["its share"]) == ("2", "99.9%")
    assert row["its share interval"] == "99.44 to 100.00%"
    assert row["effective experts"] == "1.01 of 4"
    assert (row["experts without an image"], row["images"]) == ("0, 3", "1,000")


def test_notes_say_what_to_do_with_a_command(factory, shown):
    (notes,) = [
        b for b in shown(run(factory, (0, 0, 400)), "router").blocks if hasattr(b, "listed")
    ]
    assert any(
        "mvmoe export CHECKPOINT --constant-route 1:2 -o" in line for line in notes.paragraphs
    )


def test_a_healthy_router_has_no_notes_and_few_images_say_why(factory, shown):
    found = shown(run(factory, (20, 20, 20, 20)), "router")
    assert [hasattr(block, "listed") for block in found.blocks] == [False]
    found = shown(run(factory, (2, 2)), "router")
    assert found.rows()[0]["verdict"] == "none"
    assert "4 of 4 images reach the stage" in found.blocks[1].paragraphs[0]


def test_the_summary_says_it_first(factory):
    points = summarize_run(run(factory, (0, 0, 400))).headline()
    (text,) = [point.text for point in points if point.topic == "Routing"]
    assert text.startswith("The router of stage 1 is collapsed: 100.0% (99.1 to 100.0)")


def test_the_advice_says_yes_or_what_to_do(factory):
    def said(images):
        points = {p.topic: p.text for p in summarize_run(run(factory, images)).recommendations()}
        return points["Does the router use its experts?"]

    assert said((20, 20, 20, 20)) == "Yes, evenly: as if 4.00 of 4 experts were used equally often."
    collapsed = said((0, 0, 400))
    assert collapsed.startswith("No, it is collapsed: 100.0% (99.1 to 100.0)")
    assert "mvmoe export CHECKPOINT --constant-route 1:2 -o" in collapsed
