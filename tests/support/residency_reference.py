"""mvmoe_deploy as a reader of the conformance scripts of residency: its dispatcher as it is.

Only the engine is the suite's, and the locks at which threads wait say so.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any

import numpy as np
from residency_suite import STEM, FakeEngine, FakeGraph, Reader, Script, Step

from mvmoe_deploy import Dispatcher
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.unchanged import UnchangedFiles
from mvmoe_deploy.errors import PartialResultError

_TARGET = "fake"
_OPTIONS = ("pin", "max_resident_experts", "max_resident_bytes")


def open_reference(engine: FakeEngine, script: Script, step: Step) -> Reader:
    """See `Open`."""
    return ReferenceReader(engine, script, {key: step[key] for key in _OPTIONS if key in step})


class ReferenceReader:
    """An image holds the logits of all routed stages; the graphs' answers are the digits of one."""

    def __init__(self, engine: FakeEngine, script: Script, options: dict[str, Any]) -> None:
        self._experts = {
            graph["name"]: (stage, expert)
            for stage, graphs in enumerate(script["stages"])
            for expert, graph in enumerate(graphs)
        }
        self._counts = [len(graphs) for graphs in script["stages"]]
        text = json.dumps(_manifest(engine, script))
        (engine.folder / "manifest.json").write_text(text, encoding="utf-8")
        bundle = Bundle.open(engine.folder)
        files = UnchangedFiles.verified(bundle.path, bundle.target(_TARGET).files)
        pins = [tuple(pin) if isinstance(pin, list) else pin for pin in options.pop("pin", [])]
        runner = _Runner(engine, self._counts)
        self._dispatcher = Dispatcher(bundle, _TARGET, runner, files=files, pin=pins, **options)
        self._waiting: dict[int, Callable[[], bool]] = {}
        for slot in self._dispatcher._graphs._residency._slots.values():
            slot.loading = _SeenLock(self._waiting)
        self._dispatcher._calls._ended = _SeenQueue(self._waiting)

    def ask(self, graphs: list[str]) -> list[int]:
        """See `Reader`."""
        levels = np.uint8(self._image(graphs) * 255).reshape(1, -1, 1)
        return _numbers(self._dispatcher.predict(levels).outputs["answer"])

    def ask_batch(self, images: list[list[str]]) -> tuple[list[list[int] | None], dict[int, str]]:
        """See `Reader`."""
        batch = np.float32([self._image(graphs) for graphs in images])[:, None, None]
        try:
            return [_numbers(row) for row in self._dispatcher.run(batch)["answer"]], {}
        except PartialResultError as error:
            codes = {image: found.code for image, found in sorted(error.failed.items())}
            rows = enumerate(error.answers["answer"])
            return [None if image in codes else _numbers(row) for image, row in rows], codes

    def prewarm(self) -> None:
        """See `Reader`."""
        self._dispatcher.prewarm()

    def close(self) -> None:
        """See `Reader`."""
        self._dispatcher.close()

    @property
    def resident(self) -> list[str]:
        """See `Reader`."""
        return list(self._dispatcher.resident)

    def waits(self, thread: int) -> bool:
        """See `Reader`."""
        waits = self._waiting.get(thread)
        return waits is not None and waits()

    def _image(self, graphs: list[str]) -> np.ndarray:
        """An image `[W]` whose routes are those of some graphs."""
        logits = [np.zeros(count) for count in self._counts]
        for name in graphs:
            stage, expert = self._experts[name]
            logits[stage][expert] = 1
        return np.concatenate(logits)


def _numbers(answer: np.ndarray) -> list[int]:
    return [int(number) for number in answer]


class _SeenLock:
    """A lock that says who waits for it."""

    def __init__(self, waiting: dict[int, Callable[[], bool]]) -> None:
        self._lock = threading.Lock()
        self._waiting = waiting
        self._owner: int | None = None

    def locked(self) -> bool:
        return self._lock.locked()

    def __enter__(self) -> None:
        me = threading.get_ident()
        self._waiting[me] = lambda: self._owner is not None
        self._lock.acquire()
        self._owner = me
        del self._waiting[me]

    def __exit__(self, *error: object) -> None:
        self._owner = None
        self._lock.release()


class _SeenQueue:
    """A queue that says who waits for an entry."""

    def __init__(self, waiting: dict[int, Callable[[], bool]]) -> None:
        self._queue: SimpleQueue[None] = SimpleQueue()
        self._waiting = waiting

    def put(self, item: None) -> None:
        self._queue.put(item)

    def get(self, timeout: float | None = None) -> None:
        me = threading.get_ident()
        self._waiting[me] = self._queue.empty
        self._queue.get(timeout=timeout)
        del self._waiting[me]


class _Runner:
    """A runner whose engine is the suite's."""

    stands_in_for = None
    description = provider = "fake"

    def __init__(self, engine: FakeEngine, counts: list[int]) -> None:
        self._engine = engine
        self._counts = counts

    def load(self, name: str) -> "_LoadedGraph":
        return _LoadedGraph(self._engine.load(name), self._counts)


class _LoadedGraph:
    """The stem hands on the logits that an image holds; a graph writes its number."""

    def __init__(self, graph: FakeGraph, counts: list[int]) -> None:
        self._graph = graph
        self._counts = counts

    def bind(
        self, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]
    ) -> Callable[[], None]:
        graph, counts = self._graph, self._counts

        def run_stem() -> None:
            graph.run()
            logits = np.split(inputs["image"].reshape(-1), np.cumsum(counts)[:-1])
            for stage, row in enumerate(logits):
                outputs[f"logits{stage}"][0] = row
            outputs["numbers"][:] = 0

        def run_route() -> None:
            number = graph.run()
            (numbers,) = outputs.values()
            numbers[:] = inputs["numbers"]
            numbers[0, number // 10 - 1] = number

        return run_stem if graph.name == STEM else run_route


def _manifest(engine: FakeEngine, script: Script) -> dict[str, Any]:
    """A manifest of one target whose files are those of the fake engine."""
    stages = script["stages"]
    counts = [len(graphs) for graphs in stages]
    last = len(stages)
    steps = [STEM, *(f"step{stage}" for stage in range(1, last + 1))]
    numbers = {"name": "numbers", "shape": [1, last], "dtype": "float32"}
    outputs = [{**numbers, "name": "answer" if stage == last else "next_numbers"}
               for stage in range(1, last + 1)]  # fmt: skip
    shares = [[graph.get("share", 0.0) for graph in graphs] for graphs in stages]
    named = [(0, None, {"name": STEM, "bytes": 1000})]
    named += [
        (stage, expert, graph)
        for stage, graphs in enumerate(stages, start=1)
        for expert, graph in enumerate(graphs)
    ]
    logits = [{"name": f"logits{stage}", "shape": [1, count], "dtype": "float32"}
              for stage, count in enumerate(counts)]  # fmt: skip
    gates = {"name": "gates", "shape": [1, 1], "dtype": "float32"}
    image = {"name": "image", "shape": [1, 1, 1, sum(counts)], "dtype": "float32"}
    data = {graph["name"]: engine.file(graph["name"]).read_bytes() for _, _, graph in named}
    return {
        "format": "mvmoe-bundle",
        "version": 2,
        "model": {
            "family": "fake", "name": "fake", "params_total": 1, "params_active": 1, "macs": 1,
        },
        "source": {"checkpoint_sha256": None, "packages": {}},
        "input": {
            "height": 1, "width": sum(counts), "channel_order": "L", "resize": "squash",
            "interpolation": "nearest", "mean": [0.0], "std": [1.0],
        },
        "outputs": [
            {"name": "answer", "kind": "tensor", "tensors": [f"{steps[last]}.numbers"]},
        ],
        "stages": [
            {
                "name": STEM, "rule": None, "router": None, "takes": {"image": "image"},
                "gives": {spec["name"]: f"stem.{spec['name']}" for spec in [*logits, numbers]},
            },
            *(
                {
                    "name": steps[stage],
                    "rule": {"type": "top_k", "experts": counts[stage - 1], "k": 1},
                    "router": f"stem.logits{stage - 1}",
                    "takes": {"numbers": f"{steps[stage - 1]}.numbers"},
                    "gives": {outputs[stage - 1]["name"]: f"{steps[stage]}.numbers"},
                }
                for stage in range(1, last + 1)
            ),
        ],
        "targets": {
            _TARGET: {
                "format": "fake", "strategy": "dispatch", "precision": "fp32", "batch": 1,
                "graphs": [
                    {
                        "name": graph["name"], "stage": stage,
                        "route": None if expert is None else [expert],
                        "file": engine.file(graph["name"]).name,
                        "weight_bytes": graph["bytes"], "exclusive_bytes": 0,
                        "inputs": [numbers, gates] if stage else [image],
                        "outputs": [outputs[stage - 1]] if stage else [*logits, numbers],
                    }
                    for stage, expert, graph in named
                ],
                "weights": None,
                "files": [
                    {
                        "path": engine.file(name).name, "bytes": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(),
                    }
                    for name, content in data.items()
                ],
                "parity": None,
            }
        },
        "usage_prior": [
            [{"route": [expert], "share": share} for expert, share in enumerate(row)]
            for row in shares
        ] if all(map(any, shares)) else None,
        "golden": {"images": 1, "file": {"path": "golden", "bytes": 1, "sha256": "0" * 64}},
    }  # fmt: skip
