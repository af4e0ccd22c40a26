"""The `coreml` target: ML Programs in `.mlpackage` directories.

`target` prepares the job and makes the manifest's record; all else runs in the compiler's process,
where coremltools is (`toolkit`): `conversion` is what it is asked to do, `engine` calls
coremltools, `images` gives a stem an image input, `constants` reads and writes the constants of a
program, `binding` finds the slots among them, `assembly` writes packages and `descriptions` the
texts in them.
"""

from mvmoe_export.targets.coreml.options import CoreMLOptions
from mvmoe_export.targets.coreml.target import REWRITES, CoreMLTarget

__all__ = ["REWRITES", "CoreMLOptions", "CoreMLTarget"]
