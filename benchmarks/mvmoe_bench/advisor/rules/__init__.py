"""What is known of engines: one rule a file, in the order in which they are asked."""

from mvmoe_bench.advisor.contract import Rule
from mvmoe_bench.advisor.rules.alignment import Alignment
from mvmoe_bench.advisor.rules.dispatch_cost import DispatchCost
from mvmoe_bench.advisor.rules.first_load import FirstLoad
from mvmoe_bench.advisor.rules.integers import Integers
from mvmoe_bench.advisor.rules.kernels import Kernels
from mvmoe_bench.advisor.rules.layout import Layout
from mvmoe_bench.advisor.rules.neural_engine_operators import NeuralEngineOperators
from mvmoe_bench.advisor.rules.nnapi import Nnapi
from mvmoe_bench.advisor.rules.partitions import Partitions
from mvmoe_bench.advisor.rules.portable import Portable
from mvmoe_bench.advisor.rules.precision import Precision
from mvmoe_bench.advisor.rules.rank import Rank
from mvmoe_bench.advisor.rules.selection import Selection
from mvmoe_bench.advisor.rules.shapes import Shapes
from mvmoe_bench.advisor.rules.shared_weights import SharedWeights

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
