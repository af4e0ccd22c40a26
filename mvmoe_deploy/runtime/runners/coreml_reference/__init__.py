"""Evaluates Core ML programs (MIL) on NumPy arrays, where Core ML itself does not run.

This proves what a `.mlpackage` computes, op by op as its own types declare it. It is slow, and it
is not Core ML: how an engine fuses ops, or what it keeps in higher precision between them, is not
reproduced. `load.load_function` is the way in; `runner.CoreMLReferenceRunner` runs the
graphs of a bundle.

- `package`: the `.mlpackage` directory; `blobs`: its weight file.
- `tensors`, `constants`: the types and constants of a program.
- `operations`: ops as coremltools defines them; `kernels`: those that it does not evaluate.
- `load`: from a package to a function; `function`: the function, and how it runs.

Nothing here is imported without need: coremltools takes seconds to import.
"""

from mvmoe_deploy.runtime.runners.coreml_reference.runner import CoreMLReferenceRunner

PART = CoreMLReferenceRunner
