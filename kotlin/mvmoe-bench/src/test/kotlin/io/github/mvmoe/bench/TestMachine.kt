package io.github.mvmoe.bench

import io.github.mvmoe.bundle.Graph
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.BoundGraph
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.GraphPlacement
import io.github.mvmoe.engine.LoadedGraph
import io.github.mvmoe.engine.ReportsPlacement
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.onnx.OnnxEngine
import java.io.File
import java.io.IOException

/** A machine whose figures are known. */
internal object TestMachine : Machine {
    override val memoryKind: String get() = "pss"

    override fun threadCpuNs(): Long? = null

    override fun held(bundle: File): Held = Held(1000)

    override fun peakRss(): Long? = 2000

    override fun pss(): Long? = 1500

    override fun thermal(): Thermal? = Thermal("light", 0.5)
}

/** ONNX Runtime; with the option `wrong` its answers are, and with `unplaced` it fails to say where it runs a graph. */
internal val testEngines =
    Engines { _, threads, options ->
        when {
            "wrong" in options -> WrongAnswers(OnnxEngine(threads))
            "unplaced" in options -> Unplaced(OnnxEngine(threads))
            else -> OnnxEngine(threads)
        }
    }

private class Unplaced(
    private val engine: Engine,
) : Engine by engine {
    override fun open(
        root: File,
        target: Target,
    ): Runner = UnplacedRunner(engine.open(root, target))
}

private class UnplacedRunner(
    private val runner: Runner,
) : Runner by runner,
    ReportsPlacement {
    override fun placement(graph: Graph): GraphPlacement = throw IOException("no room for a profile")
}

/** Answers of every graph that are off by one. */
private class WrongAnswers(
    private val engine: Engine,
) : Engine by engine {
    override fun open(
        root: File,
        target: Target,
    ): Runner {
        val runner = engine.open(root, target)
        return object : Runner by runner {
            override fun load(graph: Graph): LoadedGraph {
                val loaded = runner.load(graph)
                return object : LoadedGraph by loaded {
                    override fun bind(
                        inputs: Map<String, Tensor>,
                        outputs: Map<String, Tensor>,
                    ) = OffByOne(loaded.bind(inputs, outputs), outputs)
                }
            }
        }
    }

    private class OffByOne(
        private val bound: BoundGraph,
        private val outputs: Map<String, Tensor>,
    ) : BoundGraph by bound {
        override fun run() {
            bound.run()
            for (output in outputs.values) output.floats.let { it.put(0, it.get(0) + 1) }
        }
    }
}
