"""What passes between a benchmark and the fresh processes it starts; the standard library alone."""

from dataclasses import dataclass
from typing import Literal

FreshSubject = Literal["dispatcher", "dispatcher-unverified", "static"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one process is to do."""

    subject: FreshSubject
    path: str
    """The bundle, or the directory of static graphs."""
    graph: str | None
    """The static graph to run; None for a dispatcher."""
    images: str
    """A `.npy` file of inputs `[n, C, H, W]`."""
    answers: str
    """A `.npy` file of what they should be answered with, `[n, classes]`."""
    use: tuple[int, ...]
    """The images to answer, in turn."""
    threads: int
    runs: int
    """Answers after the first."""
    started_ns: int
    """`time.monotonic_ns()` just before the process is started."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one process saw, in nanoseconds and bytes."""

    start_ns: int
    """From the start of the process to the first line of its own code."""
    engine_import_ns: int
    """Importing NumPy and ONNX Runtime."""
    code_import_ns: int
    """Importing what opens and runs graphs."""
    open_ns: int
    first_run_ns: int
    memory_of: Literal["PSS", "RSS"]
    base_bytes: int
    """With Python, NumPy, ONNX Runtime and the inputs in memory, before anything of ours."""
    imported_bytes: int
    """With our code imported."""
    loaded_bytes: int
    """After the first answer."""
    after_bytes: int
    """After all answers."""
    peak_rss_bytes: int | None
    max_abs_error: float
    foreign: tuple[str, ...]
    """Modules in memory that an application would not have; expected to be none."""

    @property
    def cold_start_ns(self) -> int:
        """Opening and the first answer."""
        return self.open_ns + self.first_run_ns

    @property
    def process_to_answer_ns(self) -> int:
        """From the start of the process to its first answer, without the looks at its memory."""
        return self.start_ns + self.engine_import_ns + self.code_import_ns + self.cold_start_ns

    @property
    def added_bytes(self) -> int:
        """What our code and the model add to the base, after all answers."""
        return self.after_bytes - self.base_bytes
