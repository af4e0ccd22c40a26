package io.github.mvmoe.onnx

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession.SessionOptions
import ai.onnxruntime.providers.NNAPIFlags
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.engine.EngineErrors
import java.util.EnumSet

/** Options for every session of a runner, which owns them; as Python's runner has them, but for what Java's API lacks. */
internal fun sessionOptions(
    engine: OnnxEngine,
    live: LiveObjects,
): Owned<SessionOptions> {
    Environment.start(engine.threads, engine.pool == ThreadPool.PROCESS)
    requireProvider(engine.provider)
    val owned = Owned(SessionOptions(), live.options)
    val options = owned.value
    try {
        options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR)
        // An arena belongs to one session, and this API has none that sessions share. Without one an expert works in the memory
        // that the stem has just freed, which is still in the caches, and resident experts hold no buffers of their own.
        options.setCPUArenaAllocator(false)
        setThreads(options, engine)
        setProvider(options, engine)
    } catch (failure: OrtException) {
        owned.close()
        throw EngineErrors("ONNX Runtime").start(failure)
    }
    return owned
}

/** Sets ONNX Runtime's own threads; XNNPACK has others. */
internal fun setThreads(
    options: SessionOptions,
    engine: OnnxEngine,
) {
    if (Environment.hasPool) options.disablePerSessionThreads()
    if (engine.provider is ExecutionProvider.Xnnpack) {
        options.setIntraOpNumThreads(1)
        options.addConfigEntry("session.intra_op.allow_spinning", "0")
    } else if (engine.threads != null) {
        options.setIntraOpNumThreads(engine.threads)
    }
    // Each session has threads of its own, which spin for a while after a run: those of the stem would take the cores from the
    // expert's. So they stop with the run.
    options.addConfigEntry("session.force_spinning_stop", "1")
}

private fun setProvider(
    options: SessionOptions,
    engine: OnnxEngine,
) {
    val provider = engine.provider
    if (provider is ExecutionProvider.Xnnpack) options.addXnnpack(xnnpackOptions(engine.threads))
    if (provider is ExecutionProvider.Nnapi) options.addNnapi(nnapiFlags(provider))
}

private fun xnnpackOptions(threads: Int?) = if (threads == null) emptyMap() else mapOf("intra_op_num_threads" to "$threads")

private fun nnapiFlags(provider: ExecutionProvider.Nnapi): EnumSet<NNAPIFlags> =
    EnumSet.noneOf(NNAPIFlags::class.java).apply {
        if (provider.fp16) add(NNAPIFlags.USE_FP16)
        if (provider.cpuDisabled) add(NNAPIFlags.CPU_DISABLED)
    }

private fun requireProvider(provider: ExecutionProvider) {
    val available = OrtEnvironment.getAvailableProviders().map { it.getName().removeSuffix(SUFFIX) }
    if (available.none { it.equals(provider.name, ignoreCase = true) }) {
        throw InputException(
            ErrorCode.ENGINE_OPTION,
            "the execution provider ${provider.name} was given, but this build of ONNX Runtime has ${available.joinToString()}; " +
                "give one of these, or another build",
            mapOf("option" to "provider"),
        )
    }
}

private const val SUFFIX = "ExecutionProvider"
