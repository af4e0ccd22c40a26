"""One file per subject; each is imported when it is made, because some bring an engine.

A subject is made from the workload and the exported graphs, and called with an image's number it
gives the answer `[1, classes]`.
"""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from mvmoe_bench.artifacts import Artifacts
    from mvmoe_bench.workload import Workload

Answers = Callable[[int], np.ndarray]
"""A subject: the answer `[1, classes]` to the image of a number."""


class Module(Protocol):
    """What a subject's file holds."""

    def make(self, workload: "Workload", artifacts: "Artifacts", threads: int) -> Answers:
        """The subject, with everything it needs in memory."""


SUBJECTS = {
    "dispatcher": "mvmoe_bench.subjects.dispatcher",
    "static": "mvmoe_bench.subjects.static",
    "all-experts": "mvmoe_bench.subjects.all_experts",
    "gather": "mvmoe_bench.subjects.gather",
    "eager": "mvmoe_bench.subjects.eager",
}
"""Where each subject lives."""


def make_subject(name: str, workload: "Workload", artifacts: "Artifacts", threads: int) -> Answers:
    """The subject `name`, ready to answer on `threads` threads."""
    module: Module = importlib.import_module(SUBJECTS[name])
    return module.make(workload, artifacts, threads)
