"""Programs on one thread of the engines, timed in turns."""

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    from torch import Tensor
    from torch.export import ExportedProgram

Run = Callable[[], object]


def one_thread() -> None:
    """Let ExecuTorch's pool be of one thread."""
    from executorch.extension.pybindings import portable_lib

    portable_lib._unsafe_reset_threadpool(1)


def on_xnnpack(program: "ExportedProgram", inputs: "list[Tensor]") -> Run:
    """A program on XNNPACK, whose inputs stay where they are."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import (
        EdgeCompileConfig,
        ExecutorchBackendConfig,
        to_edge_transform_and_lower,
    )
    from executorch.exir.passes import MemoryPlanningPass
    from executorch.runtime import Runtime

    from mvmoe_export.targets.executorch.shortcuts import shortcuts, without_attention_patterns

    with shortcuts(), without_attention_patterns([program]):
        edge = to_edge_transform_and_lower(
            program,
            partitioner=[XnnpackPartitioner()],
            compile_config=EdgeCompileConfig(_check_ir_validity=False),
        )
    planning = MemoryPlanningPass(alloc_graph_input=False)
    buffer = edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning)).buffer
    loaded = Runtime.get().load_program(buffer)
    method = loaded.load_method("forward")
    assert method is not None
    # A method does not keep the program it is of.
    return lambda kept=loaded: method.execute(inputs)  # type: ignore[misc] # kept is no argument


def on_onnx_runtime(model: "onnx.ModelProto", inputs: "Mapping[str, Tensor]") -> Run:
    """A graph on ONNX Runtime's CPU provider, one thread."""
    from mvmoe_deploy.runtime.runners.onnx.importing import import_onnxruntime

    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feeds = {name: tensor.numpy() for name, tensor in inputs.items()}
    return lambda: session.run(None, feeds)


def times_of(runs: dict[str, Run], rounds: int) -> dict[str, list[int]]:
    """Nanoseconds of CPU time of each round of each form.

    Of the calling thread, in which engines of one thread compute: what other programs take of the
    machine meanwhile is not counted.

    Each follows a call of its own that is not counted: a long call of another form leaves caches
    cold, and its time slice used up.
    """
    times: dict[str, list[int]] = {form: [] for form in runs}
    draw = random.Random(0)
    for _ in range(rounds):
        for form in draw.sample(list(runs), len(runs)):
            runs[form]()
            start = time.thread_time_ns()
            runs[form]()
            times[form].append(time.thread_time_ns() - start)
    return times
