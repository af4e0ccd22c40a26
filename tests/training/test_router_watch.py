"""The warning of a router that collapses: once in a run that is forced to, else never."""

import json

import torch

from mvmoe_deploy.models.families.mobile_vmoe import MobileVMoE
from mvmoe_deploy.router_health import RouteCounts, judge
from mvmoe_deploy.training import Silent, train
from mvmoe_deploy.training.router_watch import RouterWatch
from mvmoe_deploy.training.training_progress import ProgressAsLines, RichProgress

REMEDY = "raise --balance-weight (now 0.01)"


class Heard(Silent):
    """Keeps what is warned of."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, text: str) -> None:
        self.lines.append(text)


def stage(number: int, *images: int):
    routes = {(expert,): n for expert, n in enumerate(images) if n}
    return judge(RouteCounts(number, len(images), "a rule", routes, sum(images)))


def test_each_verdict_of_a_stage_is_said_once() -> None:
    watch = RouterWatch("end-to-end", REMEDY)
    collapsed, healthy = stage(1, 0, 500), stage(2, 250, 250)
    (line,) = watch.lines(3, [collapsed, healthy])
    assert line.startswith("epoch 3 of end-to-end, held-out images: the router of stage 1 is coll")
    assert "100.0% (99.3 to 100.0) of the images go to expert 1" in line and REMEDY in line
    assert watch.lines(4, [collapsed, healthy]) == []
    assert watch.lines(5, [stage(1, 2, 498), healthy]) == []  # milder


def test_a_worse_verdict_is_said_again() -> None:
    watch = RouterWatch("end-to-end", REMEDY)
    (line,) = watch.lines(1, [stage(1, 0, 250, 250)])
    assert "leaving experts unused" in line and "expert 0" in line
    (line,) = watch.lines(2, [stage(1, 0, 0, 500)])
    assert "collapsed" in line


def test_many_stages_are_one_line() -> None:
    (line,) = RouterWatch("p", REMEDY).lines(1, [stage(n, 0, 500) for n in range(1, 25)])
    assert "; so are those of stages 2, 3, 4, 5, 6, 7, 8, 9 and 15 more; " in line


def test_healthy_imbalanced_and_undecided_routers_are_not_warned_of() -> None:
    even, uneven, few = stage(1, 50, 50), stage(2, *[930, *[30] * 7]), stage(3, 0, 29)
    assert uneven.verdict == "imbalanced"
    assert RouterWatch("p", REMEDY).lines(1, [even, uneven, few]) == []


def test_a_resumed_run_knows_what_was_said() -> None:
    watch = RouterWatch("end-to-end", REMEDY)
    watch.know(
        [
            {"phase": "dense", "epoch": 1},
            {"phase": "random", "epoch": 1, "routers": ["collapsed", "collapsed"]},
            {"phase": "end-to-end", "epoch": 1, "routers": ["collapsed", None]},
        ]
    )
    (line,) = watch.lines(2, [stage(1, 0, 500), stage(2, 0, 500)])
    assert "stage 2" in line and "stage 1" not in line


def test_a_run_that_is_forced_to_collapse_warns_once(tiny_options, tmp_path, monkeypatch) -> None:
    made = MobileVMoE.from_dense.__func__

    def collapsed(cls, vit, **routing):
        model = made(cls, vit, **routing)
        with torch.no_grad():
            model.routers[0].bias[1] += 50.0
        return model

    monkeypatch.setattr(MobileVMoE, "from_dense", classmethod(collapsed))
    heard, out = Heard(), tmp_path / "run"
    options = tiny_options(routings=("end-to-end",), dense_epochs=1)
    report = train(options, out, progress=heard)
    # 359 held-out images say that the others are unused; a collapse takes 368.
    (line,) = heard.lines
    assert line.startswith("epoch 1 of end-to-end") and "experts 0 and 2" in line
    assert "359 of 359 images take the route to expert 1; it takes 368 images" in line
    assert "--balance-weight (now 0.01)" in line and "--routing super-class" in line
    records = [json.loads(each) for each in (out / "metrics.jsonl").read_text().splitlines()]
    assert [(each["phase"], each.get("routers")) for each in records] == [
        ("dense", None),
        ("end-to-end", ["unused-experts"]),
        ("end-to-end", ["unused-experts"]),
    ]
    (found,) = report.routings[0].routers
    # Held-out and test images together are enough.
    assert (found.verdict, found.images) == ("collapsed", 718)


def test_a_healthy_run_says_nothing(tiny_options, tmp_path) -> None:
    heard = Heard()
    report = train(tiny_options(dense_epochs=3, moe_epochs=3), tmp_path / "run", progress=heard)
    assert [stage.verdict for stage in report.routings[0].routers] == ["healthy"]
    assert heard.lines == []


def test_a_warning_is_a_line_on_stderr_without_a_terminal(capsys) -> None:
    ProgressAsLines().warn("it\ncollapsed")
    assert capsys.readouterr() == ("", "warning: it collapsed\n")


def test_a_warning_stands_above_the_bars(capsys) -> None:
    with RichProgress() as progress:
        progress.warn("it collapsed [bold]")
    assert "warning: it collapsed [bold]" in capsys.readouterr().err
