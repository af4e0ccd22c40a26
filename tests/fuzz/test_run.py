"""`make fuzz` itself: what it must find, keep and repeat."""

import pytest
import run

KINDS = """
import os
import time


class Planted:
    seconds = 3

    def __init__(self, made, work):
        pass

    def case(self, rng):
        return {"file": rng.choice([b"well", b"raises", b"ends", b"hangs"])}

    def attempt(self, files):
        way = files["file"]
        if way == b"raises":
            raise ValueError("no error of ours")
        if way == b"ends":
            os.abort()
        if way == b"hangs":
            time.sleep(1000)
        return "read"

    def close(self):
        pass


KINDS = {"planted": Planted}
"""


@pytest.fixture
def hunt(tmp_path, capsys):
    """Runs `make fuzz` on planted faults; gives exit code, words and the folder of findings."""
    (tmp_path / "planted.py").write_text(KINDS)

    def start(*options):
        fixed = ["--kinds", tmp_path / "planted.py", "--material", tmp_path, "--seconds", "100"]
        words = [*fixed, "--keep", tmp_path / "kept", *options]
        return run.main([str(word) for word in words]), capsys.readouterr().out, tmp_path / "kept"

    return start


def way(number, seed=5):
    """What a case of the planted kind does."""
    return run.rng_of("planted", seed, number).choice(["well", "raises", "ends", "hangs"])


def test_every_planted_fault_is_found_kept_and_does_not_stop_the_others(hunt):
    cases = next(n for n in range(4, 40) if len({way(i) for i in range(n)}) == 4)
    code, out, kept = hunt("--seed", 5, "--cases", cases)
    ways = [way(number) for number in range(cases)]
    assert code == 1
    assert f"planted: {cases} cases, seed 5" in out
    bad = [number for number, each in enumerate(ways) if each != "well"]
    assert {path.name for path in kept.iterdir()} == {f"planted-5-{number}" for number in bad}
    for number in bad:
        folder = kept / f"planted-5-{number}"
        assert (folder / "files" / "file").read_text() == ways[number]
        words = {"raises": "no error of ours", "ends": "ended its process", "hangs": "did not end"}
        assert words[ways[number]] in (folder / "why.txt").read_text()


def test_one_case_can_be_run_again(hunt):
    number = next(n for n in range(100) if way(n) == "raises")
    code, out, _ = hunt("--seed", 5, "--from", number, "--cases", 1)
    assert code == 1 and f"case {number}: ValueError: no error of ours" in out
    number = next(n for n in range(100) if way(n) == "well")
    assert hunt("--seed", 5, "--from", number, "--cases", 1)[0] == 0
