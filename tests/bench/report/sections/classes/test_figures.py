"""Classes by routes."""

from mvmoe_bench.report.run_summary import summarize_run

KEY = "dispatcher:digits:onnx"


def _summary(factory, lines, **bundle):
    return summarize_run(
        factory.run([factory.subject("dispatcher")], [factory.bundle(**bundle)], lines)
    )


def test_true_classes_where_images_have_labels(factory):
    lines = [factory.answer(KEY, image, ((image % 2,),), f"c{image % 2}") for image in range(10)]
    lines.append(factory.answer(KEY, 10, ((1,),), "c0"))

    summary = _summary(factory, lines)

    (found,) = summary.sections["classes"]
    assert (found.of, found.images) == ("true class", 11)
    shares = {(cell.name, cell.route): cell.share for cell in found.cells}
    assert shares == {("c0", (0,)): 5 / 6, ("c0", (1,)): 1 / 6, ("c1", (1,)): 1.0}


def test_answered_classes_where_they_do_not_each_image_once(factory):
    lines = [factory.answer(KEY, image, ((0,),), None, given=image % 3) for image in range(6)] * 2

    summary = _summary(factory, lines, labels=("ant", "bee"))
    (found,) = summary.sections["classes"]

    assert (found.of, found.images) == ("answered class", 6)
    assert found.classes == ("2", "ant", "bee")


def test_a_map_for_each_stage(factory):
    lines = [factory.answer(KEY, image, ((0,), (1,)), "c") for image in range(3)]

    found = _summary(factory, lines, stages=2).sections["classes"]

    assert [(one.stage, one.routes) for one in found] == [(0, ((0,),)), (1, ((1,),))]
