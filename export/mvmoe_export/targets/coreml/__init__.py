"""The `coreml` target: ML Programs in `.mlpackage` directories.

`job` prepares the compiler's job and makes the manifest's record; all else runs in the compiler's
process, where coremltools is (`toolkit`): `conversion` is what it is asked to do, `engine` calls
coremltools, `images` gives a stem an image input, `constants` reads and writes the constants of a
program, `binding` finds the slots among them, `packing` replaces those of layers by what unpacks
them from few bits, in one of the `forms`, `assembly` writes packages and `descriptions` the texts
in them.
"""

from mvmoe_export.targets.coreml.options import CoreMLOptions
from mvmoe_export.targets.coreml.target import CoreMLTarget

__all__ = ["PART", "CoreMLOptions", "CoreMLTarget"]

PART = CoreMLTarget()
