"""Write the conformance scripts of residency: run this file.

What must happen at each step is what mvmoe_deploy does. The test beside this file plays the scripts
on a second reader, written from the page, and asserts that this program writes what is committed.
"""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from residency_reference import open_reference
from residency_suite import Script, Step, play

FOLDER = Path(__file__).parent / "cases"
SEED = 5

Stages = list[list[dict[str, Any]]]


# Steps


def opening(**options: Any) -> Step:
    return {"do": "open", "by": "main", **options}


def ask(*graphs: str, by: str = "A") -> Step:
    return {"do": "ask", "by": by, "graphs": list(graphs)}


def asks(*graphs: str) -> list[Step]:
    """One call after the other, of one stage."""
    return [ask(graph) for graph in graphs]


def batch(*images: str, by: str = "A") -> Step:
    """An image is the graphs that it takes, with spaces between."""
    return {"do": "batch", "by": by, "images": [image.split() for image in images]}


def prewarm(by: str = "A") -> Step:
    return {"do": "prewarm", "by": by}


def close(by: str = "Z") -> Step:
    return {"do": "close", "by": by}


def hold(graph: str, what: str = "load") -> Step:
    return {"do": "hold", "what": what, "graph": graph}


def go(graph: str) -> Step:
    return {"do": "go", "graph": graph}


def cancel(graph: str) -> Step:
    return {"do": "cancel", "graph": graph}


def fail(graph: str, times: int = 1, what: str = "load") -> Step:
    return {"do": "fail", "what": what, "graph": graph, "times": times}


def replace(graph: str, content: str) -> Step:
    return {"do": "replace", "graph": graph, "with": content}


def held(graph: str, by: str) -> list[Step]:
    """A call that is inside of a load."""
    return [hold(graph), ask(graph, by=by)]


# Graphs


def stage(letter: str, *sizes: int, shares: tuple[float, ...] = ()) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": f"{letter}{expert}", "bytes": size} for expert, size in enumerate(sizes)
    ]
    for graph, share in zip(found, shares, strict=bool(shares)):
        graph["share"] = share
    return found


ONE = [stage("a", 10, 10, 10, 10)]
TWO = [stage("a", 10, 20, 30), stage("b", 5, 15, 25)]
EVEN = [stage("a", 10, 10, 10), stage("b", 10, 10, 10)]
USED = [
    stage("a", 10, 20, 30, shares=(0.2, 0.5, 0.3)),
    stage("b", 10, 10, 40, shares=(0.1, 0.3, 0.6)),
]

Scripts = Iterator[tuple[str, Stages, list[Step]]]
"""Name (what is asked), graphs, steps."""


# Scripts


def budgets() -> Scripts:
    yield "no limit keeps all", ONE, [opening(), *asks("a0", "a1", "a2", "a3", "a0", "a2")]
    for most in (1, 2, 3, 4):
        sequence = asks("a0", "a1", "a2", "a0", "a3", "a3", "a1", "a2", "a0", "a1")
        yield f"room for {most} experts", ONE, [opening(max_resident_experts=most), *sequence]
    yield (
        "experts are counted for each stage",
        EVEN,
        [
            opening(max_resident_experts=1),
            *(ask(a, b) for a, b in [("a0", "b0"), ("a1", "b0"), ("a1", "b2"), ("a0", "b2")]),
        ],
    )
    pairs = [("a0", "b0"), ("a1", "b0"), ("a2", "b1"), ("a0", "b2"), ("a2", "b2"), ("a1", "b1")]
    for room in (1, 20, 45, 50, 55, 60, 75, 104, 105):
        yield (
            f"room for {room} bytes",
            TWO,
            [opening(max_resident_bytes=room), *(ask(a, b) for a, b in pairs * 2)],
        )
    yield (
        "bytes that are exactly the limit are within it",
        [stage("a", 10, 20, 30)],
        [opening(max_resident_bytes=30), *asks("a0", "a1", "a2", "a0", "a1")],
    )
    yield (
        "a graph larger than the limit is loaded when all else is evicted",
        [stage("a", 10, 20, 100)],
        [opening(max_resident_bytes=40), *asks("a0", "a1", "a2", "a2", "a0")],
    )
    yield (
        "the least recently used go first, however small they are",
        [stage("a", 1, 50, 1, 60)],
        [opening(max_resident_bytes=100), *asks("a0", "a2", "a1", "a3")],
    )
    yield (
        "no more are evicted than have to be",
        [stage("a", 10, 10, 10, 10, 25)],
        [opening(max_resident_bytes=50), *asks("a0", "a1", "a2", "a3", "a4")],
    )
    yield (
        "graphs without weights take no bytes, but count as experts",
        [stage("a", 0, 0, 0, 10)],
        [opening(max_resident_bytes=10, max_resident_experts=2), *asks("a3", "a0", "a1", "a3")],
    )
    for most, room in [(2, 40), (1, 100), (3, 30), (2, 65)]:
        yield (
            f"both limits: {most} experts, {room} bytes",
            TWO,
            [
                opening(max_resident_experts=most, max_resident_bytes=room),
                *(ask(a, b) for a, b in pairs * 2),
            ],
        )
    yield (
        "a full stage gives up one of its own, though another stage has an older one",
        EVEN,
        [
            opening(max_resident_experts=2),
            ask("a0", "b0"),
            ask("a1", "b0"),
            ask("a1", "b1"),
            ask("a1", "b2"),
        ],
    )
    yield (
        "a full memory takes the least recently used of any stage",
        EVEN,
        [
            opening(max_resident_bytes=40),
            ask("a0", "b0"),
            ask("a1", "b0"),
            ask("a1", "b1"),
            ask("a2", "b1"),
            ask("a2", "b0"),
        ],
    )
    yield (
        "a graph that the same image has used already may be evicted, and is freed before the load",
        EVEN,
        [
            opening(max_resident_bytes=10),
            hold("b0"),
            ask("a0", "b0"),
            go("b0"),
            ask("a1", "b0"),
            ask("a1", "b1"),
        ],
    )


def pins() -> Scripts:
    yield (
        "a pinned graph is loaded when it is asked for, and stays",
        ONE,
        [opening(pin=["a1"], max_resident_experts=2), *asks("a0", "a1", "a2", "a3", "a0", "a1")],
    )
    yield (
        "pinned graphs count",
        ONE,
        [opening(pin=["a0", "a1"], max_resident_experts=3), *asks("a0", "a1", "a2", "a3", "a0")],
    )
    yield (
        "pins that fill the room: all else is loaded over it and evicted by the next",
        ONE,
        [
            opening(pin=["a0", "a1"], max_resident_experts=1),
            *asks("a0", "a1", "a2", "a3", "a0", "a2"),
        ],
    )
    yield (
        "pinned bytes count",
        TWO,
        [
            opening(pin=["b2"], max_resident_bytes=50),
            *(ask(a, b) for a, b in [("a0", "b2"), ("a1", "b2"), ("a1", "b1"), ("a2", "b0")]),
        ],
    )
    yield (
        "a number pins the route of that expert in every stage",
        EVEN,
        [
            opening(pin=[1], max_resident_experts=1),
            *(ask(a, b) for a, b in [("a1", "b1"), ("a0", "b0"), ("a2", "b2"), ("a1", "b0")]),
        ],
    )
    yield (
        "a route is a list of experts",
        EVEN,
        [
            opening(pin=[[2]], max_resident_bytes=20),
            *(ask(a, b) for a, b in [("a2", "b2"), ("a0", "b0"), ("a1", "b1")]),
        ],
    )
    yield (
        "a number of an expert that only one stage has pins that one",
        [stage("a", 10, 10), stage("b", 10, 10, 10)],
        [
            opening(pin=[2], max_resident_experts=1),
            *(ask(a, b) for a, b in [("a1", "b2"), ("a0", "b0"), ("a1", "b1")]),
        ],
    )
    yield "a pinned graph goes when all is closed", ONE, [opening(pin=["a0"]), ask("a0"), close()]


def refused() -> Scripts:
    for limit in ("max_resident_experts", "max_resident_bytes"):
        for value in (0, -1):
            yield f"{limit} of {value}", ONE, [opening(**{limit: value})]
    for pin in ("a9", "stem", 4, -1, [9], [0, 1], []):
        yield f"a pin {json.dumps(pin)}", ONE, [opening(pin=[pin])]


def sharing() -> Scripts:
    yield (
        "a request waits for no load but that of its own graph",
        ONE,
        [
            opening(),
            *held("a0", "A"),
            ask("a1", by="B"),
            ask("a0", by="C"),
            ask("a1", by="B"),
            go("a0"),
        ],
    )
    yield (
        "many wait for one load",
        ONE,
        [opening(), *held("a0", "A"), *(ask("a0", by=by) for by in "BCDEF"), go("a0")],
    )
    yield (
        "two loads at once, ended in the other order",
        ONE,
        [
            opening(),
            *held("a0", "A"),
            *held("a1", "B"),
            ask("a0", by="C"),
            ask("a1", by="D"),
            go("a1"),
            go("a0"),
        ],
    )
    yield (
        "what is being loaded counts",
        ONE,
        [
            opening(max_resident_experts=2),
            *held("a0", "A"),
            *[ask(graph, by="B") for graph in ("a1", "a2", "a1")],
            go("a0"),
        ],
    )
    yield (
        "bytes that are being loaded count",
        [stage("a", 30, 10, 20, 20)],
        [
            opening(max_resident_bytes=50),
            *held("a0", "A"),
            *[ask(graph, by="B") for graph in ("a1", "a2", "a3", "a1")],
            go("a0"),
        ],
    )
    for limit in ({"max_resident_experts": 1}, {"max_resident_bytes": 10}):
        yield (
            f"loads at once may exceed the limit, which holds again after them: {limit}",
            ONE,
            [
                opening(**limit),
                *held("a0", "A"),
                *held("a1", "B"),
                *held("a2", "C"),
                go("a1"),
                go("a0"),
                ask("a1", by="D"),
                go("a2"),
                ask("a2", by="D"),
            ],
        )
    yield (
        "room is made before the load",
        ONE,
        [
            opening(max_resident_experts=1),
            ask("a0"),
            *held("a1", "A"),
            ask("a0", by="B"),
            go("a1"),
            ask("a1", by="B"),
        ],
    )
    yield (
        "a load that ends makes its graph the most recently used, whenever it began",
        ONE,
        [
            opening(max_resident_experts=3),
            *held("a0", "A"),
            ask("a1", by="B"),
            ask("a2", by="B"),
            go("a0"),
            ask("a3", by="B"),
        ],
    )
    yield (
        "a pinned graph that is being loaded by two",
        ONE,
        [
            opening(pin=["a0"], max_resident_experts=1),
            *held("a0", "A"),
            ask("a1", by="B"),
            ask("a0", by="C"),
            go("a0"),
            ask("a2", by="B"),
        ],
    )
    yield (
        "a load in one stage holds up no other stage",
        EVEN,
        [
            opening(max_resident_experts=1),
            hold("b0"),
            ask("a0", "b0", by="A"),
            ask("a0", "b1", by="B"),
            ask("a1", "b1", by="B"),
            go("b0"),
        ],
    )
    yield (
        "a graph that two calls run at once is there once",
        ONE,
        [
            opening(),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a0", by="B"),
            ask("a1", by="B"),
            go("a0"),
        ],
    )


def in_use() -> Scripts:
    yield (
        "an evicted graph is freed when its last user has finished",
        ONE,
        [
            opening(max_resident_experts=1),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            ask("a2", by="B"),
            go("a0"),
        ],
    )
    yield (
        "an evicted graph that is still used does not count",
        ONE,
        [
            opening(max_resident_bytes=20),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            ask("a2", by="B"),
            ask("a3", by="B"),
            ask("a2", by="B"),
            go("a0"),
        ],
    )
    yield (
        "an evicted graph that is still used is loaded once more when it is asked for",
        ONE,
        [
            opening(max_resident_experts=1),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            ask("a0", by="B"),
            go("a0"),
            ask("a0", by="B"),
        ],
    )
    yield (
        "a call that waits between two stages holds nothing of the first",
        EVEN,
        [
            opening(max_resident_experts=1),
            hold("b0", "run"),
            ask("a0", "b0", by="A"),
            ask("a1", "b1", by="B"),
            go("b0"),
        ],
    )
    yield (
        "a use in progress renews nothing when it ends",
        ONE,
        [
            opening(max_resident_experts=2),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            go("a0"),
            ask("a2", by="B"),
        ],
    )


def failed() -> Scripts:
    yield (
        "a failed load is tried again by the next request",
        ONE,
        [opening(), fail("a0", 2), *asks("a0", "a0", "a0", "a0")],
    )
    yield (
        "what was evicted for a failed load stays evicted, and the failed one does not count",
        ONE,
        [
            opening(max_resident_experts=2),
            *asks("a0", "a1"),
            fail("a2"),
            *asks("a2", "a3", "a1", "a0"),
        ],
    )
    yield (
        "all who wait get the error, and none of them loads again",
        ONE,
        [
            opening(),
            fail("a0"),
            *held("a0", "A"),
            ask("a0", by="B"),
            ask("a0", by="C"),
            go("a0"),
            ask("a0", by="B"),
        ],
    )
    yield (
        "who asks after the failure loads, though others have just been told of it",
        ONE,
        [
            opening(max_resident_experts=1),
            fail("a0"),
            *held("a0", "A"),
            ask("a0", by="B"),
            ask("a1", by="C"),
            go("a0"),
            *held("a0", "A"),
            ask("a0", by="B"),
            go("a0"),
        ],
    )
    yield (
        "a failure in the second stage keeps the first stage's graph",
        EVEN,
        [opening(), fail("b0"), ask("a0", "b0"), ask("a0", "b0")],
    )
    yield (
        "a failed load made room, and room is made again for the next",
        [stage("a", 10, 10, 20)],
        [opening(max_resident_bytes=20), *asks("a0", "a1"), fail("a2", 2), *asks("a2", "a0", "a2")],
    )
    yield (
        "a pinned graph that fails",
        ONE,
        [opening(pin=["a0"], max_resident_experts=1), fail("a0"), *asks("a0", "a1", "a0")],
    )
    yield "a stem that fails", ONE, [fail("stem"), opening()]
    yield (
        "a graph that fails to run stays in memory",
        ONE,
        [opening(max_resident_experts=1), fail("a0", what="run"), *asks("a0", "a0", "a1")],
    )
    yield (
        "a graph that fails to run after it was evicted is freed",
        ONE,
        [
            opening(max_resident_experts=1),
            fail("a0", what="run"),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            go("a0"),
        ],
    )
    yield (
        "a graph of a later stage that fails to run",
        EVEN,
        [opening(max_resident_experts=1), fail("b0", what="run"), *[ask("a0", "b0")] * 2, close()],
    )
    yield "a stem that fails to run", ONE, [opening(), fail("stem", what="run"), *asks("a0", "a0")]


def interrupted() -> Scripts:
    yield (
        "who waits for an interrupted load loads it",
        ONE,
        [opening(), *held("a0", "A"), ask("a0", by="B"), cancel("a0"), ask("a0", by="C")],
    )
    yield (
        "an interrupted load leaves nothing behind",
        ONE,
        [opening(max_resident_experts=1), *held("a0", "A"), cancel("a0"), *asks("a1", "a0")],
    )
    yield (
        "an interrupted load of which the next fails",
        ONE,
        [
            opening(),
            fail("a0"),
            *held("a0", "A"),
            ask("a0", by="B"),
            hold("a0"),
            cancel("a0"),
            ask("a0", by="C"),
            go("a0"),
            ask("a0", by="C"),
        ],
    )
    yield (
        "an interrupted load does not count",
        ONE,
        [
            opening(max_resident_experts=2),
            *held("a0", "A"),
            ask("a1", by="B"),
            cancel("a0"),
            ask("a2", by="B"),
            ask("a3", by="B"),
        ],
    )
    yield (
        "an interrupted run: the graph stays",
        ONE,
        [opening(), hold("a0", "run"), ask("a0", by="A"), cancel("a0"), ask("a0", by="B")],
    )
    yield (
        "an interrupted run of an evicted graph frees it",
        ONE,
        [
            opening(max_resident_experts=1),
            hold("a0", "run"),
            ask("a0", by="A"),
            ask("a1", by="B"),
            cancel("a0"),
        ],
    )
    yield (
        "twice interrupted",
        ONE,
        [
            opening(),
            *held("a0", "A"),
            ask("a0", by="B"),
            hold("a0"),
            cancel("a0"),
            ask("a0", by="C"),
            cancel("a0"),
        ],
    )
    yield (
        "closing after an interrupted load",
        ONE,
        [opening(), *held("a0", "A"), close(), cancel("a0"), ask("a0", by="B")],
    )


def replaced() -> Scripts:
    for content in ("other", "written", "link", "nothing"):
        yield (
            f"a file that became: {content}",
            ONE,
            [
                opening(max_resident_experts=3),
                *asks("a0", "a1"),
                replace("a2", content),
                *asks("a2", "a0", "a2", "a3", "a1"),
            ],
        )
        yield (
            f"a file that became {content} during its load",
            ONE,
            [opening(), *held("a0", "A"), replace("a0", content), go("a0"), ask("a0", by="B")],
        )
    yield (
        "a graph in memory goes on, and is refused once it was evicted",
        ONE,
        [
            opening(max_resident_experts=1),
            ask("a0"),
            replace("a0", "other"),
            *asks("a0", "a1", "a0", "a1"),
        ],
    )
    yield (
        "another file of the same content is accepted",
        ONE,
        [opening(), replace("a0", "same"), *asks("a0", "a1", "a0")],
    )
    yield (
        "another file of the same content during the load is accepted",
        ONE,
        [opening(), *held("a0", "A"), replace("a0", "same"), go("a0"), ask("a0", by="B")],
    )
    yield (
        "the engine's refusal of a file that was replaced during the load is that of the file",
        ONE,
        [opening(), fail("a0"), *held("a0", "A"), replace("a0", "other"), go("a0")],
    )
    yield (
        "who waits for a load whose file was replaced is refused too, and the engine loads nothing",
        ONE,
        [
            opening(),
            *held("a0", "A"),
            ask("a0", by="B"),
            replace("a0", "other"),
            go("a0"),
            ask("a0", by="C"),
        ],
    )
    yield (
        "a file that is as it was again",
        ONE,
        [
            opening(),
            replace("a0", "other"),
            ask("a0"),
            replace("a0", "other"),  # The bytes in reverse, twice.
            ask("a0"),
        ],
    )
    yield (
        "the stem's file is not looked at again",
        ONE,
        [opening(), replace("stem", "other"), *asks("a0", "a1")],
    )
    yield (
        "the file of a graph that nobody asks for",
        EVEN,
        [opening(), replace("b2", "other"), ask("a0", "b0"), ask("a0", "b2"), ask("a2", "b1")],
    )
    yield (
        "a batch with an image whose graph was replaced has no answer at all",
        ONE,
        [opening(), ask("a0"), replace("a1", "other"), batch("a0", "a1", "a2"), ask("a0")],
    )


def closing() -> Scripts:
    yield (
        "after closing nothing is answered",
        ONE,
        [opening(), ask("a0"), close(), *asks("a0", "a1")],
    )
    yield "closing twice", ONE, [opening(), ask("a0"), close(), close(), ask("a0")]
    yield "closing what was never asked", ONE, [opening(pin=["a0"]), close()]
    yield "no prewarming after closing", ONE, [opening(), close(), prewarm()]
    yield "no batch after closing", ONE, [opening(), close(), batch("a0", "a1")]
    yield (
        "closing waits for a call that runs; no other begins meanwhile",
        ONE,
        [
            opening(),
            ask("a1"),
            hold("a0", "run"),
            ask("a0", by="A"),
            close(),
            ask("a1", by="B"),
            go("a0"),
            ask("a1", by="B"),
        ],
    )
    yield (
        "closing waits for a load, and for those who wait for it",
        ONE,
        [opening(), *held("a0", "A"), ask("a0", by="B"), close(), ask("a0", by="C"), go("a0")],
    )
    yield (
        "closing waits for all calls",
        ONE,
        [
            opening(),
            *held("a0", "A"),
            hold("a1", "run"),
            ask("a1", by="B"),
            close(),
            go("a0"),
            go("a1"),
        ],
    )
    yield (
        "a call that was in flight may still load after closing has begun",
        EVEN,
        [
            opening(max_resident_experts=1),
            hold("a0", "run"),
            ask("a0", "b0", by="A"),
            close(),
            go("a0"),
        ],
    )
    yield (
        "two may close at once",
        ONE,
        [opening(), *held("a0", "A"), close("Y"), close("Z"), go("a0")],
    )
    yield (
        "closing waits for a load that fails",
        ONE,
        [opening(), fail("a0"), *held("a0", "A"), close(), go("a0")],
    )
    yield (
        "prewarming that is closed ends after the load that it is at",
        USED,
        [opening(), hold("b1"), prewarm(), close(), go("b1")],
    )


def prewarming() -> Scripts:
    yield "the most used first, of all stages", USED, [opening(), prewarm(), ask("a0", "b0")]
    for most in (1, 2):
        yield (
            f"only what fits: {most} experts",
            USED,
            [opening(max_resident_experts=most), prewarm(), prewarm()],
        )
    for room in (30, 50, 60, 75, 90):
        yield (
            f"only what fits: {room} bytes; what is smaller than the one left out may fit",
            USED,
            [opening(max_resident_bytes=room), prewarm(), ask("a2", "b2")],
        )
    yield (
        "without shares in the order of the manifest",
        EVEN,
        [opening(max_resident_experts=2), prewarm()],
    )
    yield (
        "pinned ones first",
        USED,
        [opening(pin=["a0", "b0"], max_resident_experts=1), prewarm(), ask("a1", "b1")],
    )
    yield (
        "pinned ones among themselves by share, and only as many as fit",
        USED,
        [opening(pin=["a0", "a2", "b1"], max_resident_bytes=45), prewarm(), ask("a0", "b1")],
    )
    yield (
        "one that fails is left out, and tried by who asks for it",
        USED,
        [opening(), fail("a1", 2), prewarm(), ask("a1", "b0"), ask("a1", "b0")],
    )
    yield (
        "nothing is evicted; what is there is used again",
        USED,
        [opening(max_resident_experts=1), ask("a0", "b0"), prewarm(), ask("a1", "b0")],
    )
    yield (
        "what is being loaded counts when it is asked what fits",
        USED,
        [
            opening(max_resident_experts=1),
            hold("b0"),
            ask("a0", "b0", by="B"),
            prewarm(),
            go("b0"),
        ],
    )
    yield (
        "a request meanwhile",
        USED,
        [
            opening(),
            hold("b2"),
            prewarm(),
            ask("a0", "b0", by="B"),
            ask("a1", "b0", by="B"),
            go("b2"),
        ],
    )
    yield "a file that was replaced", USED, [opening(), replace("a1", "other"), prewarm()]
    yield (
        "what is in memory is used again in that order",
        USED,
        [opening(), ask("a1", "b2"), ask("a2", "b0"), prewarm()],
    )


def batches() -> Scripts:
    yield (
        "a graph is loaded once, whatever the order of the images",
        EVEN,
        [opening(max_resident_experts=1), batch("a0 b0", "a1 b1", "a0 b1", "a1 b0", "a0 b0")],
    )
    yield (
        "what is in memory comes first, then in the order of the images",
        EVEN,
        [
            opening(max_resident_experts=2),
            ask("a2", "b1"),
            batch("a0 b0", "a1 b1", "a2 b2", "a0 b1"),
            batch("a0 b0", "a1 b1", "a2 b2", "a0 b1"),
        ],
    )
    yield (
        "an image whose graph fails has no answer, the others have one",
        EVEN,
        [
            opening(),
            fail("a1"),
            batch("a0 b0", "a1 b1", "a2 b2", "a1 b2"),
            batch("a0 b0", "a1 b1", "a2 b2", "a1 b2"),
        ],
    )
    yield (
        "an image whose graph fails to run has no answer; the graph is freed when it is evicted",
        EVEN,
        [
            opening(max_resident_experts=1),
            fail("a1", what="run"),
            batch("a0 b0", "a1 b1", "a2 b2"),
            batch("a0 b0", "a0 b0"),
        ],
    )
    yield (
        "failures in two stages",
        EVEN,
        [opening(), fail("a1"), fail("b2"), batch("a0 b0", "a1 b1", "a2 b2", "a0 b2", "a1 b0")],
    )
    yield (
        "no image has an answer",
        ONE,
        [opening(), fail("a0"), fail("a1"), batch("a0", "a1", "a0")],
    )
    yield (
        "a batch while others load",
        ONE,
        [
            opening(max_resident_experts=2),
            *held("a0", "A"),
            batch("a1", "a2", "a0", by="B"),
            ask("a3", by="C"),
            go("a0"),
        ],
    )
    for room in (20, 45, 70):
        yield (
            f"batches within {room} bytes",
            TWO,
            [
                opening(max_resident_bytes=room),
                batch("a0 b2", "a2 b1", "a1 b0", "a0 b0"),
                batch("a2 b2", "a0 b1", "a1 b2"),
            ],
        )


def _options(dice: random.Random, names: list[str]) -> dict[str, Any]:
    found = {
        "pin": sorted(dice.sample(names, dice.choice([0, 0, 1, 2]))),
        "max_resident_experts": dice.choice([None, 1, 2, 3]),
        "max_resident_bytes": dice.choice([None, 15, 40, 60, 90]),
    }
    return {key: value for key, value in found.items() if value}


def by_chance() -> Scripts:
    """One caller, two stages."""
    dice = random.Random(SEED)
    for number in range(40):
        sizes = [[dice.choice([0, 5, 10, 20, 30]) for _ in range(4)] for _ in range(2)]
        stages = [stage(letter, *row) for letter, row in zip("ab", sizes, strict=True)]
        names = [[graph["name"] for graph in graphs] for graphs in stages]
        every = [*names[0], *names[1]]
        steps = [opening(**_options(dice, every))]
        for _ in range(25):
            steps.append(
                dice.choice(
                    [
                        *[ask(*map(dice.choice, names))] * 6,
                        fail(dice.choice(every), dice.choice([1, 2])),
                        batch(*(" ".join(map(dice.choice, names)) for _ in range(4))),
                    ]
                )
            )
        yield f"by chance {number}", stages, [*steps, close()]


def at_once_by_chance() -> Scripts:
    """Several callers, one stage; what is inside of the engine goes on in any order."""
    dice = random.Random(SEED + 1)
    acts = ["ask"] * 3 + ["load"] * 2 + ["go"] * 2 + ["cancel", "fail"]
    for number in range(60):
        stages = [stage("a", *(dice.choice([5, 10, 20, 30]) for _ in range(5)))]
        names = [graph["name"] for graph in stages[0]]
        steps = [opening(**_options(dice, names))]
        held_back: dict[str, list[str]] = {}
        """By graph those who have asked for it since its next load was to be held."""
        for _ in range(30):
            act, name = dice.choice(acts), dice.choice(names)
            free = sorted(set("ABCDE").difference(*held_back.values()))
            if act == "fail":
                steps.append(fail(name))
            elif act in ("ask", "load") and free:
                if act == "load" and name not in held_back:
                    steps.append(hold(name))
                    held_back[name] = []
                steps.append(ask(name, by=free[0]))
                held_back.get(name, []).append(free[0])
            elif act in ("go", "cancel") and held_back:
                name = dice.choice(sorted(held_back))
                # Of two who wait for an interrupted load either may be the next to load.
                steps.append(
                    cancel(name) if act == "cancel" and len(held_back[name]) < 3 else go(name)
                )
                del held_back[name]
        steps += [go(name) for name in sorted(held_back)]
        yield f"at once by chance {number}", stages, [*steps, close()]


FILES = {
    "budgets": budgets,
    "pins": pins,
    "refused": refused,
    "sharing": sharing,
    "in_use": in_use,
    "failed": failed,
    "interrupted": interrupted,
    "replaced": replaced,
    "closing": closing,
    "prewarming": prewarming,
    "batches": batches,
    "by_chance": by_chance,
    "at_once_by_chance": at_once_by_chance,
}


def scripts(name: str) -> list[Script]:
    """The scripts of a file, with what mvmoe_deploy does at each step."""
    found = []
    for title, stages, steps in FILES[name]():
        script = {"name": title, "stages": stages, "steps": steps}
        happened = play(script, open_reference)
        found.append(
            {
                **script,
                "steps": [
                    {**step, "then": then} for step, then in zip(steps, happened, strict=True)
                ],
            }
        )
    return found


def text(name: str) -> str:
    """A file: a step a line."""
    parts = []
    for script in scripts(name):
        head = f'{{"name":{json.dumps(script["name"])},"stages":{json.dumps(script["stages"])}'
        lines = ",\n".join(json.dumps(step) for step in script["steps"])
        parts.append(f'{head},"steps":[\n{lines}\n]}}')
    return '{"scripts":[\n' + ",\n".join(parts) + "\n]}\n"


def main() -> None:
    """Write every file."""
    for name in FILES:
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
