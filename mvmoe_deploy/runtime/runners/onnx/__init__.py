"""ONNX Runtime: the runner of `.onnx` graphs, and where it places operators."""

from mvmoe_deploy.runtime.runners.onnx.runner import OnnxRunner

PART = OnnxRunner
