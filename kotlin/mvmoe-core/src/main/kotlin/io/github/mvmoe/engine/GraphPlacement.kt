package io.github.mvmoe.engine

import io.github.mvmoe.bundle.Graph

/**
 * Where an engine runs the operators of a graph on this device, as the engine itself says.
 *
 * What an accelerator has compiled into one piece counts as one operator: `{"Nnapi": 3, "CPU": 41}` are three pieces, and 41
 * operators that were left to the CPU.
 *
 * @property byUnit operators by who runs them.
 * @property outside types of the operators that do not run where the runner was told to run them, with their number.
 */
public class GraphPlacement(
    public val byUnit: Map<String, Int>,
    public val outside: Map<String, Int>,
)

/** What a runner is as well whose engine says where it runs a graph's operators. */
public interface ReportsPlacement {
    /**
     * Where the engine runs the operators of a graph; it loads the graph and runs it once, on zeros.
     *
     * @throws io.github.mvmoe.EngineException that names the graph.
     */
    public fun placement(graph: Graph): GraphPlacement
}
