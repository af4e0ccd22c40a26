"""PyTorch itself, eager: the model's own forward."""

import numpy as np
import torch

from mvmoe_bench.artifacts import Artifacts
from mvmoe_bench.subjects import Answers
from mvmoe_bench.workload import Workload


def make(workload: Workload, artifacts: Artifacts, threads: int) -> Answers:
    """The model in inference mode. Sets the threads of PyTorch for the whole process."""
    torch.set_num_threads(threads)
    images = torch.from_numpy(workload.images)

    @torch.inference_mode()
    def answer(number: int) -> np.ndarray:
        return workload.model(images[number : number + 1]).numpy()

    return answer
