package io.github.mvmoe.runner.bench.subjects

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.Runner
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.onnx.ThreadPool
import io.github.mvmoe.runner.bench.EngineChoice
import io.github.mvmoe.runner.bench.SubjectOrder

/** The kinds of subjects that this program can make, by the names that orders have for them. */
internal val SUBJECT_KINDS: Map<String, SubjectKind> =
    mapOf(
        "dispatcher" to SubjectKind { order, images, watch -> DispatcherSubject.open(order, images, watch) },
        "bare" to SubjectKind { order, images, watch -> BareGraphs.open(order, images, watch) },
        "static" to SubjectKind { order, images, watch -> WholeModel.open(order, images, watch) { staticName(it.routes.orEmpty()) } },
        "all-experts" to SubjectKind { order, images, watch -> WholeModel.open(order, images, watch) { WholeModel.ONE_GRAPH } },
        "gather" to SubjectKind { order, images, watch -> WholeModel.open(order, images, watch) { WholeModel.ONE_GRAPH } },
    )

internal fun subjectKind(name: String): SubjectKind = checkNotNull(SUBJECT_KINDS[name]) { "no kind of subjects is called $name" }

/** The engine of an order, with the options that it asks for. */
internal fun engineOf(order: SubjectOrder): Engine {
    var pool = ThreadPool.SESSION
    for ((name, value) in order.engineOptions) {
        if (name != "pool") throw unknownOption(name)
        pool = ThreadPool.entries.find { it.name.equals(value, ignoreCase = true) } ?: throw unknownOption("$name=$value")
    }
    return OnnxEngine(threads = order.threads, pool = pool)
}

/** What a runner says that it is. */
internal fun Runner.choice() = EngineChoice(description, provider)

private fun unknownOption(given: String) =
    InputException(
        ErrorCode.ENGINE_OPTION,
        "the engine option $given is not one of the JVM's ONNX Runtime; expected pool=session or pool=process",
        mapOf("option" to given),
    )
