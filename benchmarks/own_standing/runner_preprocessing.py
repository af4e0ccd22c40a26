"""How long a picture takes to become the model's input: the library of a language beside Pillow.

`python -m own_standing.kotlin_preprocessing` and `python -m own_standing.swift_preprocessing` print
it for a picture of 1920 x 1080 and an input of 224 x 224; `make kotlin-runner` and `make
swift-runner` build what they start. In each round every filter has one turn of each: the library
(resized, cut and normalized), Pillow's own `resize` of the whole picture and `crop` (nothing else),
and `mvmoe_deploy`, which calls Pillow once a pass and normalizes. The first and the last must give
the same numbers.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter_ns

import msgspec
import numpy as np
from PIL import Image
from scipy.stats import bootstrap

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.beside_python import DeviceBesidePython
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.preprocessing import preprocess
from mvmoe_deploy.preprocessing.resizing import FILTERS
from mvmoe_deploy.preprocessing.spec import Preprocessing

WIDTH, HEIGHT, SIDE = 1920, 1080, 224
WARMUP, ROUNDS = 60, 60
"""The JVM has compiled all lines after some dozen pictures."""

Times = dict[str, list[float]]
"""Milliseconds of each round by who did it."""


class PreprocessingProgram:
    """A library in a process that prepares one picture as often as it is asked."""

    def __init__(self, device: DeviceBesidePython, picture: Path, width: int, height: int) -> None:
        self.language = device.language
        """What the library is written in."""
        size = ("--width", str(width), "--height", str(height))
        program = device.program("preprocess", str(picture), *size)
        self._process = subprocess.Popen(
            program.command,
            env=dict(program.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def prepare(self, spec: Preprocessing) -> tuple[int, float]:
        """Nanoseconds, as it says itself, and the sum of the input's numbers."""
        given, told = self._process.stdin, self._process.stdout
        if given is None or told is None:
            raise EngineError(f"the {self.language} program has no pipes; start it again")
        given.write(msgspec.json.encode(spec).decode() + "\n")
        given.flush()
        line = told.readline()
        if not line:
            raise EngineError(f"the {self.language} program ended; its own message is above")
        answer = json.loads(line)
        return answer["ns"], answer["sum"]

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def measure(
    device: DeviceBesidePython, picture: np.ndarray, spec: Preprocessing, rounds: int, warmup: int
) -> Times:
    """The times of each round; raises EngineError if the two languages give other numbers."""
    image = Image.fromarray(picture)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "picture.rgb"
        file.write_bytes(picture.tobytes())
        program = PreprocessingProgram(device, file, image.width, image.height)
        try:
            return _rounds(program, image, spec, rounds, warmup)
        finally:
            program.close()


def _rounds(
    program: PreprocessingProgram, image: Image.Image, spec: Preprocessing, rounds: int, warmup: int
) -> Times:
    """Each once a round, in rotated order."""

    def library() -> float:
        ns, total = program.prepare(spec)
        wanted = float(preprocess(image, spec).astype(np.float64).sum())
        if not np.isclose(total, wanted, rtol=1e-9, atol=1e-3):
            raise EngineError(
                f"{program.language}'s numbers add up to {total}, Python's to {wanted}",
                name="preprocessing",
                found=total,
                expected=wanted,
            )
        return ns / 1e6

    calls: list[tuple[str, Callable[[], float]]] = [
        (program.language, library),
        ("Pillow's resize", lambda: _timed(lambda: _resized(image, spec))),
        ("mvmoe_deploy", lambda: _timed(lambda: preprocess(image, spec))),
    ]
    times: Times = {name: [] for name, _ in calls}
    for number in range(-warmup, rounds):
        for place in range(len(calls)):
            name, call = calls[(place + number) % len(calls)]
            spent = call()
            if number >= 0:
                times[name].append(spent)
    return times


def _resized(image: Image.Image, spec: Preprocessing) -> Image.Image:
    """What an application calls: the whole picture by one `resize`, and the middle of it."""
    width = image.width * spec.height // image.height
    whole = image.resize((width, spec.height), FILTERS[spec.interpolation])
    left = (width - spec.width) // 2
    return whole.crop((left, 0, left + spec.width, spec.height))


def _timed(call: Callable[[], object]) -> float:
    start = perf_counter_ns()
    call()
    return (perf_counter_ns() - start) / 1e6


def ratio(times: Times, language: str, over: str) -> tuple[float, float, float]:
    """The library's time over another's: the median of the rounds, and its interval of 95%."""
    found = np.array(times[language]) / np.array(times[over])
    interval = bootstrap((found,), np.median, rng=0, n_resamples=2000).confidence_interval
    return float(np.median(found)), float(interval.low), float(interval.high)


def print_table(name: str) -> None:
    """Print a row for each filter, of the library that the device of this name runs."""
    device = find_device(name)
    if not isinstance(device, DeviceBesidePython):
        raise TypeError(f"the device {name} is a {type(device).__name__}")
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    print(f"| filter | {device.language}, ms | over Pillow's resize | over mvmoe_deploy |")
    print("|---|---|---|---|")
    for interpolation in FILTERS:
        spec = Preprocessing(height=SIDE, width=SIDE, interpolation=interpolation)  # type: ignore[arg-type]
        times = measure(device, picture, spec, ROUNDS, WARMUP)
        cells = [f"{np.median(times[device.language]):.1f}"]
        for over in ("Pillow's resize", "mvmoe_deploy"):
            middle, low, high = ratio(times, device.language, over)
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
        print(f"| {interpolation} | {' | '.join(cells)} |")
        sys.stdout.flush()
