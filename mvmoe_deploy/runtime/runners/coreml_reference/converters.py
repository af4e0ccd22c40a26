"""Packages that coremltools imports where they are installed, only to convert their models."""

CONVERTERS = (
    "executorch",
    "libsvm",
    "sklearn",
    "tensorflow",
    "torchao",
    "torchaudio",
    "torchvision",
    "transformers",
    "xgboost",
)
"""ExecuTorch, torchao and scikit-learn take three times as long as coremltools itself. PyTorch is
not among them: the exporter converts from it."""
