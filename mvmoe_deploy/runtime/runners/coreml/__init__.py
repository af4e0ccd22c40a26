"""Core ML: the runner of `.mlpackage` graphs, and where it places operators."""

from mvmoe_deploy.runtime.runners.coreml.runner import CoreMLRunner

PART = CoreMLRunner
