"""Plays the conformance scripts of residency on a reader; `README.md` beside them describes both.

A reader has the methods of `Reader`; its engine is `FakeEngine`. Nothing here knows how it works.
"""

import contextlib
import json
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from mvmoe_deploy.errors import EngineError

CASES = Path(__file__).parents[1] / "conformance" / "residency" / "cases"
STEM = "stem"
_SECONDS = 20.0
"""How long a step may take: only a reader that never ends a call meets it."""

Script = dict[str, Any]
Step = dict[str, Any]
Result = dict[str, Any]


class CancelledLoadError(BaseException):
    """Ends the call that is inside a load, as Ctrl-C or the end of a task would."""


class Reader(Protocol):
    """A dispatcher over a fake engine; errors are raised as errors with a `code`."""

    def ask(self, graphs: list[str]) -> list[int]:
        """The answer for an image that takes these graphs, one for each routed stage."""

    def ask_batch(self, images: list[list[str]]) -> tuple[list[list[int] | None], dict[int, str]]:
        """The answers for several images at once, and the codes of those that have none."""

    def prewarm(self) -> None:
        """Load what fits."""

    def close(self) -> None:
        """End."""

    @property
    def resident(self) -> list[str]:
        """The graphs of routes in memory, the least recently used first."""

    def waits(self, thread: int) -> bool:
        """Whether a thread waits here for another one, which goes on before it can."""


Open = Callable[["FakeEngine", Script, Step], Reader]
"""Opens a reader with the options of a step `open`."""


class FakeGraph:
    """A graph in the memory of the fake engine; it leaves it when nobody holds it any more."""

    def __init__(self, engine: "FakeEngine", name: str) -> None:
        self._engine = engine
        self.name = name
        self.free = weakref.finalize(self, engine.freed.append, name)
        """Frees the graph at once, for readers that count its users themselves."""

    def run(self) -> int:
        """Run the graph; gives its answer."""
        self._engine.enter("run", self.name)
        return self._engine.answers[self.name]


class _Gate:
    """Where a thread is held inside of the engine."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.cancelled = False


class FakeEngine:
    """Loads graphs of a script, whose files lie in `folder`; the conductor says what happens."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.folder = folder
        self.answers = {STEM: 0}
        for stage, graphs in enumerate(script["stages"], start=1):
            self.answers |= {graph["name"]: 10 * stage + e for e, graph in enumerate(graphs)}
        for name in self.answers:
            self.file(name).write_bytes(f"{name}, as it was exported".encode())
        self.loads: list[str] = []
        self.freed: list[str] = []
        self._failing: dict[tuple[str, str], int] = {}
        self._next: dict[tuple[str, str], _Gate] = {}
        self._held: dict[tuple[str, str], _Gate] = {}
        self._inside: dict[int, _Gate] = {}

    def file(self, name: str) -> Path:
        """The file of a graph."""
        return self.folder / f"{name}.bin"

    def load(self, name: str) -> FakeGraph:
        """Load a graph; raises EngineError if it was told to fail."""
        self.loads.append(name)
        self.enter("load", name)
        return FakeGraph(self, name)

    def enter(self, what: str, name: str) -> None:
        """Load or run a graph: held if the next one is to be, and failed if the engine was told."""
        self._pass_gate(what, name)
        if self._failing.get((what, name), 0):
            self._failing[what, name] -= 1
            raise EngineError("told to fail", code=f"engine.{what}-failed", graph=name)

    def _pass_gate(self, what: str, name: str) -> None:
        """Wait inside of the engine if the next load or run of a graph is to be held."""
        gate = self._next.pop((what, name), None)
        if gate is None:
            return
        self._held[what, name] = self._inside[threading.get_ident()] = gate
        assert gate.go.wait(_SECONDS)
        if gate.cancelled:
            raise CancelledLoadError

    def holds(self, thread: int) -> bool:
        """Whether a thread is held inside of the engine."""
        gate = self._inside.get(thread)
        return gate is not None and not gate.go.is_set()

    def do(self, step: Step) -> None:
        """Do what a step says of the engine or of the files."""
        name = step["graph"]
        if step["do"] == "hold":
            self._next[step["what"], name] = _Gate()
        elif step["do"] == "fail":
            self._failing[step["what"], name] = step["times"]
        elif step["do"] == "replace":
            self._replace(name, step["with"])
        else:
            self._let_go(name, cancelled=step["do"] == "cancel")

    def _let_go(self, name: str, *, cancelled: bool) -> None:
        """Let go what is held of a graph; if nothing is, nothing will be."""
        keys = [(what, name) for what in ("load", "run")]
        held = [self._held.pop(key) for key in keys if key in self._held]
        for gate in held:
            gate.cancelled = cancelled
            gate.go.set()
        if not held:
            for key in keys:
                self._next.pop(key, None)

    def end(self) -> None:
        """Let everything go, so that all threads can end."""
        for gate in [*self._next.values(), *self._held.values()]:
            gate.go.set()

    def _replace(self, name: str, content: str) -> None:
        """Replace a file by one of other content, of the same, by a link, or by nothing."""
        file, new = self.file(name), self.folder / "new"
        data = file.read_bytes()
        if content == "nothing":
            file.unlink()
        elif content == "written":
            times = file.stat()
            file.write_bytes(data[::-1])
            _set_times(file, times.st_mtime_ns)
        else:
            new.write_bytes(data[::-1] if content == "other" else data)
            if content == "link":
                new = new.rename(self.folder / "elsewhere")
                file.unlink()
                file.symlink_to(new)
            else:
                _set_times(new, file.stat().st_mtime_ns)
                new.replace(file)


def _set_times(file: Path, nanoseconds: int) -> None:
    """Give a file the times that it had: an update may keep them."""
    os.utime(file, ns=(nanoseconds, nanoseconds))


class _Conductor:
    """Plays one script: after each step everything comes to rest before the next one."""

    def __init__(self, script: Script, open_: Open, engine: FakeEngine) -> None:
        self._script = script
        self._open = open_
        self._engine = engine
        self._reader: Reader | None = None
        self._calls: dict[str, threading.Thread] = {}
        self._ended: dict[str, Result] = {}

    def play(self) -> Iterator[Step]:
        """What happens at each step, as the script says it."""
        for step in self._script["steps"]:
            self._engine.loads.clear()
            self._engine.freed.clear()
            self._ended.clear()
            if step["do"] in ("hold", "go", "fail", "cancel", "replace"):
                self._engine.do(step)
            else:
                self._begin(step)
            waits = self._come_to_rest()
            found = {
                "ended": dict(sorted(self._ended.items())),
                "loads": list(self._engine.loads),
                "freed": sorted(self._engine.freed),
                "resident": list(self._reader.resident) if self._reader else [],
                "waits": waits,
            }
            yield {key: value for key, value in found.items() if value}

    def end(self) -> None:
        """Let every thread end."""
        self._engine.end()
        for thread in list(self._calls.values()):
            thread.join(_SECONDS)
        if self._reader is not None:
            closing = threading.Thread(target=self._close_again, daemon=True)
            closing.start()
            closing.join(1)

    def _close_again(self) -> None:
        with contextlib.suppress(Exception):
            self._reader.close()

    def _begin(self, step: Step) -> None:
        """Begin a call in a thread of its own."""
        by = step["by"]
        assert by not in self._calls, f"{by} has a call already"

        def call() -> None:
            result = _result(lambda: self._call(step))
            self._ended[by] = result
            del self._calls[by]

        self._calls[by] = thread = threading.Thread(target=call, daemon=True)
        thread.start()

    def _call(self, step: Step) -> Result:
        """Make the call of a step."""
        if step["do"] == "open":
            self._reader = self._open(self._engine, self._script, step)
            return {"done": True}
        assert self._reader is not None
        if step["do"] == "ask":
            return {"answer": self._reader.ask(step["graphs"])}
        if step["do"] == "batch":
            answers, codes = self._reader.ask_batch(step["images"])
            return {"answers": answers, "codes": {str(key): code for key, code in codes.items()}}
        getattr(self._reader, step["do"])()
        return {"done": True}

    def _come_to_rest(self) -> list[str]:
        """Wait until every call has ended, is inside of the engine, or waits; gives who waits."""
        last = time.monotonic() + _SECONDS
        before: object = None
        while True:
            states = {by: self._state(thread) for by, thread in list(self._calls.items())}
            found = (states, len(self._ended), len(self._engine.loads))
            if found == before and "goes on" not in states.values():
                return sorted(by for by, state in states.items() if state == "waits")
            assert time.monotonic() < last, f"calls that never end: {states}"
            before = found
            time.sleep(2e-4)

    def _state(self, thread: threading.Thread) -> str:
        identity = thread.ident
        if identity is None:
            return "goes on"
        if self._engine.holds(identity):
            return "inside"
        return "waits" if self._reader and self._reader.waits(identity) else "goes on"


def _result(call: Callable[[], Result]) -> Result:
    """What a call gives, or the code of its error."""
    try:
        return call()
    except CancelledLoadError:
        return {"cancelled": True}
    except Exception as error:
        return {"code": getattr(error, "code", repr(error))}


def play(script: Script, open_: Open) -> Iterator[Step]:
    """What happens at each step of a script."""
    with tempfile.TemporaryDirectory(prefix="residency-") as folder:
        conductor = _Conductor(script, open_, FakeEngine(script, Path(folder).resolve()))
        with contextlib.closing(conductor.play()) as steps:
            try:
                yield from steps
            finally:
                conductor.end()


def files() -> Iterator[tuple[str, list[Script]]]:
    """Each file of scripts by its name; those that nobody chose come last, since they are long."""
    for path in sorted(CASES.glob("*.json"), key=lambda path: ("chance" in path.stem, path.stem)):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))["scripts"]


def failures(open_: Open) -> Iterator[str]:
    """The scripts that a reader gets wrong, each with the first step at which it does."""
    for _, scripts in files():
        for script in scripts:
            for number, (step, found) in enumerate(
                zip(script["steps"], play(script, open_), strict=True)
            ):
                if found != step["then"]:
                    yield f"{script['name']}, step {number} {step}: {found}"
                    break
