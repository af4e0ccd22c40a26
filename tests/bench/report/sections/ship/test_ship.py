"""Which target to ship: every figure in its column, and the choice by its rules."""

import pytest

from mvmoe_bench.report.document import document
from mvmoe_bench.report.run_summary import summarize_run

ONNX, TORCH = "dispatcher:digits:onnx", "dispatcher:digits:executorch"
QUESTION = "Which target should I ship?"


@pytest.fixture
def run(factory):
    """Makes a run of two targets: their milliseconds, bytes of experts, and wrong answers."""

    def make(times=(2.0, 3.0), sizes=(2_000_000, 1_000_000), wrong=(3, 3), repeats=6):
        names = ("onnx", "executorch")
        subjects = [factory.subject("dispatcher", target=name) for name in names]
        records = {
            name: factory.target(expert=size) for name, size in zip(names, sizes, strict=True)
        }
        lines = [factory.reference("routed", range(3), 100)]
        for subject, ms, count in zip(subjects, times, wrong, strict=True):
            lines += factory.constant(subject.key, ms, repeats)
            lines += [factory.memory(subject.key, None, i, added=ms * 10e6) for i in range(6)]
            lines += [factory.memory(subject.key, 1, i, added=1e6, files=0) for i in range(6)]
            lines += [factory.start(subject.key, i, first=10 * ms) for i in range(6)]
            lines += [
                factory.answer(subject.key, i, ((0,),), f"class {i % 10}", given=given % 10)
                for i in range(100)
                for given in [i + (i < count)]
            ]
        return factory.run(subjects, [factory.bundle(targets=records)], lines)

    return make


def table(run):
    """The rows of the table by target, cells by their columns."""
    (section,) = [s for s in document(summarize_run(run)).first if s.id == "ship"]
    (block,) = section.blocks
    titles = [column.title for column in block.columns]
    rows = [dict(zip(titles, (cell.text for cell in row), strict=True)) for row in block.rows]
    return {row["target"]: row for row in rows}


def said(run):
    return dict(document(summarize_run(run)).recommendations)[QUESTION]


def test_every_figure_is_in_its_column(run):
    rows = table(run())
    assert rows["onnx"] == {
        "target": "onnx", "choice": "ship this", "right answers": "97.00%", "ms an image": "2.00",
        "95% interval": "2.00 to 2.00", "memory MB": "20.0", "first answer ms": "87.0",
        "size MB": "28.3",
    }  # fmt: skip
    assert rows["executorch"] == {
        "target": "executorch", "choice": "", "right answers": "97.00%", "ms an image": "3.00",
        "95% interval": "3.00 to 3.00", "memory MB": "30.0", "first answer ms": "97.0",
        "size MB": "24.3",
    }  # fmt: skip


def test_the_fastest_is_shipped_and_the_sentence_has_its_figures(run):
    assert said(run()) == (
        "Ship onnx: 2.00 ms an image, 20.0 MB of memory, 28.3 MB to download, 97.00% right "
        "answers; executorch takes 1.50 times as long (95%: 1.50 to 1.50)."
    )


def test_of_equally_fast_ones_the_one_with_fewer_bytes_is_shipped(run):
    same = run(times=(2.0, 2.0))
    assert table(same)["executorch"]["choice"] == "ship this"
    assert said(same).startswith("Ship executorch: ")
    assert said(same).endswith("; onnx was not told apart in time and has 28.3 MB.")


def test_one_that_loses_too_much_is_not_shipped_however_fast(run):
    lossy = run(times=(2.0, 3.0), wrong=(40, 3))
    assert {name: row["choice"] for name, row in table(lossy).items()} == {
        "onnx": "loses too much", "executorch": "ship this",
    }  # fmt: skip
    assert said(lossy).endswith("; onnx loses 37.00 points of right answers.")
    neither = run(wrong=(40, 40))
    assert said(neither) == "None: each loses more than 0.5 points of right answers."


def test_nothing_is_concluded_from_few_repeats(run):
    few = run(repeats=3)
    assert {row["choice"] for row in table(few).values()} == {""}
    assert said(few) == "That cannot be said from 3 repeats: a verdict needs six."


def test_a_target_alone_is_not_called_the_best(factory):
    key = factory.subject("dispatcher")
    alone = factory.run([key], lines=factory.constant(key.key, 2.0))
    assert said(alone).startswith("onnx is the only target that was measured: 2.00 ms an image")


def test_a_target_in_two_languages_stands_in_the_choice_once(factory):
    """Python's answers are faster, and not of the same rounds: the library's own row is chosen."""
    engines = ("ONNX Runtime 1.31.1 (Kotlin)", "ONNX Runtime 1.31.1")
    subjects = [
        factory.subject("dispatcher", key=f"d{n}", requested=factory.choice(engine))
        for n, engine in enumerate(engines)
    ]
    lines = factory.constant("d0", 3.0) + factory.constant("d1", 2.0)
    both = factory.run(subjects, lines=lines)
    rows = table(both)
    assert len(rows) == 2 and sum(row["choice"] == "ship this" for row in rows.values()) == 1
    chosen = {row["choice"]: row["ms an image"] for row in rows.values()}
    assert chosen == {"ship this": "3.00", "": "2.00"}
    assert said(both).startswith("onnx is the only target that was measured: 3.00 ms an image")
