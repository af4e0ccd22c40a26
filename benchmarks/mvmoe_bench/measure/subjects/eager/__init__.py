"""PyTorch itself, eager: the model's own forward."""

from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.measure.subjects.pytorch_subject import PyTorchKind

PART = PyTorchKind(
    name="eager",
    look=SubjectLook(
        description="PyTorch, the model's own forward",
        ratio_meaning="PyTorch as it is, over the dispatcher",
    ),
    compiled=False,
)
