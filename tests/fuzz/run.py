"""`make fuzz`: every kind of damage for a while, each kind in a process of its own.

    python tests/fuzz/run.py --seconds 600                    # all kinds, ten minutes each
    python tests/fuzz/run.py --kind image --seed 7 --from 812 --cases 1    # one case again

A case follows from kind, seed and number alone. What ends the process of a kind, never ends, or
raises what is no error of ours is a finding: its files are kept, and the exit code is 1.
"""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
_START_SECONDS = 300
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]


def rng_of(kind, seed, number):
    """The random generator of one case."""
    return random.Random(f"{kind} {seed} {number}")


def kinds_of(file):
    """The kinds that a file defines, by name."""
    spec = importlib.util.spec_from_file_location("fuzz_kinds", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KINDS


def work(told):
    """The process of one kind: case after case, a line for each on stdout."""
    kind = kinds_of(told.kinds)[told.work](told.material, told.folder)
    end, number = time.monotonic() + told.seconds, told.start
    while time.monotonic() < end and (told.cases is None or number < told.start + told.cases):
        print(json.dumps({"case": number}), flush=True)
        try:
            ended = kind.attempt(kind.case(rng_of(told.work, told.seed, number)))
            print(json.dumps({"ended": ended}), flush=True)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            print(json.dumps({"finding": f"{type(error).__name__}: {error}"[:2000]}), flush=True)
        number += 1
    kind.close()


class Hunt:
    """One kind until its time is over; a process that ends or hangs is replaced."""

    def __init__(self, told, name, folder):
        self.told, self.name, self.folder = told, name, folder
        self.kind = kinds_of(told.kinds)[name]
        self.outcomes, self.findings = Counter(), []
        self.end = time.monotonic() + told.seconds
        self.next = told.start

    def run(self):
        """Hunt; gives this."""
        while self._left() > 0 and (self.told.cases is None or self._cases() > 0):
            self._follow()
        return self

    def _left(self):
        return self.end - time.monotonic()

    def _cases(self):
        return self.told.start + self.told.cases - self.next

    def _follow(self):
        """One process from the next case on."""
        lines = self.folder / "lines"
        command = [sys.executable, str(HERE / "run.py"), "--work", self.name]
        command += ["--seed", str(self.told.seed), "--seconds", str(self._left())]
        command += ["--from", str(self.next), "--kinds", str(self.told.kinds)]
        command += ["--material", str(self.told.material), "--folder", str(self.folder / "work")]
        if self.told.cases is not None:
            command += ["--cases", str(self._cases())]
        with lines.open("wb") as out, (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(command, stdout=out, stderr=said)
            try:
                hung = self._wait(process, lines)
            finally:
                process.kill()
                process.wait()
        self._read(lines, process.returncode, hung)

    def _wait(self, process, lines):
        """Wait for the end of a process; True if one of its cases does not end."""
        size, since = 0, time.monotonic()
        while process.poll() is None:
            time.sleep(0.05)
            if lines.stat().st_size != size:
                size, since = lines.stat().st_size, time.monotonic()
            # The first case comes after the engines' imports, which take long on a busy machine.
            patience = self.kind.seconds if size else max(_START_SECONDS, self.kind.seconds)
            if time.monotonic() - since > patience:
                return True
        return False

    def _read(self, lines, code, hung):
        """Count what a process wrote down, and what its end says of its last case."""
        open_case = None
        for line in map(json.loads, lines.read_bytes().splitlines()):
            if "case" in line:
                open_case = line["case"]
                self.next = open_case + 1
            elif "ended" in line:
                self.outcomes[line["ended"]] += 1
                open_case = None
            else:
                self._find(open_case, line["finding"])
                open_case = None
        said = (self.folder / "said").read_text(errors="replace").strip()
        if hung:
            self._find(open_case, f"it did not end within {self.kind.seconds} seconds")
        elif code and open_case is None:
            raise SystemExit(f"{self.name} cannot be fuzzed (exit code {code}): {said[-2000:]}")
        elif code:
            self._find(open_case, f"it ended its process with {code}: {said[-500:]}")

    def _find(self, number, why):
        """Keep the files of a case."""
        self.findings.append((number, why))
        self.outcomes["FINDING"] += 1
        if number is None:
            return
        kept = Path(self.told.keep) / f"{self.name}-{self.told.seed}-{number}"
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "why.txt").write_text(why + "\n")
        made = self.kind(self.told.material, self.folder / "again")
        for file, data in made.case(rng_of(self.name, self.told.seed, number)).items():
            path = kept / "files" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        made.close()


def hunt_all(told):
    """Hunt all kinds that were asked for; gives the number of findings."""
    findings = 0
    with tempfile.TemporaryDirectory(prefix="mvmoe-fuzz-") as name:
        folder = Path(name)
        if told.material is None:
            import material

            told.material = folder / "material"
            material.make_all(told.material)
        for kind in told.kind or kinds_of(told.kinds):
            (folder / kind).mkdir()
            hunt = Hunt(told, kind, folder / kind).run()
            print(f"{kind}: {hunt.outcomes.total()} cases, seed {told.seed}: ", end="")
            print(", ".join(f"{count} {word}" for word, count in hunt.outcomes.most_common()))
            for number, why in hunt.findings:
                print(f"  case {number}: {why.splitlines()[0][:300]}", flush=True)
            findings += len(hunt.findings)
    return findings


def arguments(given):
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="for each kind")
    parser.add_argument("--kind", action="append", help="several may be given; else all")
    parser.add_argument("--seed", type=int, help="else drawn, and printed")
    parser.add_argument("--from", dest="start", type=int, default=0, help="the first case")
    parser.add_argument("--cases", type=int, help="at most so many of each kind")
    parser.add_argument("--keep", default="fuzz-findings", help="where the files of findings go")
    parser.add_argument("--material", type=Path, help="healthy files of a run before this one")
    parser.add_argument("--kinds", type=Path, default=HERE / "kinds.py", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args(given)
    if told.seed is None:
        told.seed = random.SystemRandom().randrange(10**6)
    return told


def main(given=None):
    """Hunt, or work for a hunt; gives the exit code."""
    told = arguments(given)
    if told.work:
        work(told)
        return 0
    return 1 if hunt_all(told) else 0


if __name__ == "__main__":
    sys.exit(main())
