"""`torch.compile` with its default backend: the model's own forward, compiled for this machine."""

from mvmoe_bench.measure.subjects.contract import SubjectLook
from mvmoe_bench.measure.subjects.pytorch_subject import PyTorchKind

PART = PyTorchKind(
    name="compile",
    look=SubjectLook(
        description="PyTorch with torch.compile",
        ratio_meaning="torch.compile, over the dispatcher",
    ),
    compiled=True,
)
