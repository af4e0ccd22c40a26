"""The timers of the parts of an inference."""

from mvmoe_deploy.runtime.timing import LapTimer


def test_laps_add_up_and_do_not_exceed_the_total():
    timer = LapTimer()
    for name in ("stem", "select", "stem", "expert"):
        timer.lap(name)
    timings = timer.timings()
    parts = [timings.preprocess, timings.stem, timings.select, timings.load, timings.expert]
    assert min(parts) >= 0
    assert timings.preprocess == timings.load == 0
    assert sum(parts) <= timings.total
