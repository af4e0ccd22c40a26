"""The ONNX target: one `.onnx` file a graph, all over one file of weights.

`template.py` makes a graph whose weights are open, once for all graphs of one structure;
`weights.py` stores tensors, each distinct one once; `writing.py` binds the two.
"""

from mvmoe_export.targets.onnx.options import OnnxOptions
from mvmoe_export.targets.onnx.target import OnnxTarget

__all__ = ["PART", "OnnxOptions", "OnnxTarget"]

PART = OnnxTarget()
