"""What is known of engines: one rule a file, in the order in which they are asked."""

from mvmoe_bench.advice.contract import Rule
from mvmoe_bench.advice.rules.alignment import Alignment
from mvmoe_bench.advice.rules.dispatch_cost import DispatchCost
from mvmoe_bench.advice.rules.first_load import FirstLoad
from mvmoe_bench.advice.rules.integers import Integers
from mvmoe_bench.advice.rules.kernels import Kernels
from mvmoe_bench.advice.rules.layout import Layout
from mvmoe_bench.advice.rules.neural_engine_operators import NeuralEngineOperators
from mvmoe_bench.advice.rules.nnapi import Nnapi
from mvmoe_bench.advice.rules.partitions import Partitions
from mvmoe_bench.advice.rules.portable import Portable
from mvmoe_bench.advice.rules.precision import Precision
from mvmoe_bench.advice.rules.rank import Rank
from mvmoe_bench.advice.rules.selection import Selection
from mvmoe_bench.advice.rules.shapes import Shapes
from mvmoe_bench.advice.rules.shared_weights import SharedWeights

RULES: tuple[Rule, ...] = (
    Partitions(),
    Portable(),
    Rank(),
    Shapes(),
    Precision(),
    NeuralEngineOperators(),
    Integers(),
    Selection(),
    Kernels(),
    DispatchCost(),
    SharedWeights(),
    Alignment(),
    Layout(),
    FirstLoad(),
    Nnapi(),
)

__all__ = ["RULES"]
