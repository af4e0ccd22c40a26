"""The log after kills: whole lines, no epoch twice."""

from pathlib import Path

from mvmoe_deploy.training.metrics_log import MetricsLog


def test_a_resumed_phase_drops_what_it_will_write_again(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.rewind("dense", 0)
    assert not log.path.exists()
    for phase, epoch in (("dense", 1), ("dense", 2), ("random", 1), ("random", 2)):
        log.write({"phase": phase, "epoch": epoch})
    with log.path.open("a") as file:
        file.write('{"phase": "random", "epo')
    log.rewind("random", 1)
    kept = [(record["phase"], record["epoch"]) for record in log.read()]
    assert kept == [("dense", 1), ("dense", 2), ("random", 1)]
    assert log.path.read_text().endswith("}\n")
