"""ExecuTorch: the runner of `.pte` graphs."""

from mvmoe_deploy.runtime.runners.executorch.runner import ExecuTorchRunner

PART = ExecuTorchRunner
