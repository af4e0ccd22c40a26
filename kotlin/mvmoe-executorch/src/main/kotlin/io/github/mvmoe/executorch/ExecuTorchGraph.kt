package io.github.mvmoe.executorch

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.Tensor
import org.pytorch.executorch.EValue

/** One method. Its bindings hold nothing native, so closing it is closing the module. */
internal class ExecuTorchGraph(
    private val graph: Graph,
    private val module: OwnedModule,
    private val errors: EngineErrors,
) : LoadedGraph {
    override fun bind(
        inputs: Map<String, Tensor>,
        outputs: Map<String, Tensor>,
    ): BoundGraph {
        errors.requireTensors(graph, inputs, outputs)
        val taken = Array(graph.inputs.size) { valueOver(inputs.getValue(graph.inputs[it].name)) }
        return ExecuTorchBinding(taken, OutputCopies(graph, outputs, errors))
    }

    override fun close(): Unit = module.close()

    /** Its inputs over the memory of the dispatcher's tensors, and where its outputs are copied to. */
    private inner class ExecuTorchBinding(
        private val inputs: Array<EValue>,
        private val outputs: OutputCopies,
    ) : BoundGraph {
        override fun run() {
            try {
                // A method has one set of buffers: what it gives is copied before it runs again.
                synchronized(module) { outputs.copy(module.execute(inputs)) }
            } catch (ours: MvmoeException) {
                throw ours
            } catch (failure: RuntimeException) {
                throw errors.run(graph, failure)
            } catch (failure: OutOfMemoryError) {
                throw errors.run(graph, failure)
            }
        }

        override fun close(): Unit = Unit
    }
}
