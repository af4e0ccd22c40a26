package io.github.mvmoe.onnx

import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtLoggingLevel
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException

/**
 * ONNX Runtime's environment, of which a process has one, and the pool of threads that it may have.
 *
 * The pool is made with the environment, and its number of threads stays as it is. From then on ONNX Runtime refuses sessions
 * with pools of their own.
 */
internal object Environment {
    /** The pool's number of threads, 0 for as many as ONNX Runtime chose; null without a pool. */
    private var pool: Int? = null

    /** Whether sessions have to use the process's pool. */
    val hasPool: Boolean get() = synchronized(this) { pool != null }

    /** The environment as it is; made, if need be, without a pool. */
    fun get(): OrtEnvironment = synchronized(this) { OrtEnvironment.getEnvironment() }

    /**
     * Makes the environment, and the pool if an engine wants that, unless they are there.
     *
     * @throws InputException `engine.option` if there is a pool of another size, or one is wanted of an environment without it.
     */
    fun start(
        threads: Int?,
        wantsPool: Boolean,
    ): Unit =
        synchronized(this) {
            if (wantsPool || pool != null) startPool(threads)
            get()
        }

    private fun startPool(threads: Int?) {
        val wanted = threads ?: 0
        val found = pool ?: make(wanted)
        if (found != wanted) {
            val size = if (found == 0) "as many as ONNX Runtime chose" else "$found"
            throw option(
                "threads $threads was given, but this process has one pool for all graphs of ONNX Runtime, with $size; " +
                    "give that number, or use another process",
            )
        }
    }

    private fun make(threads: Int): Int =
        OrtEnvironment.ThreadingOptions().use { options ->
            if (threads > 0) options.setGlobalIntraOpNumThreads(threads)
            options.setGlobalInterOpNumThreads(1)
            // Threads that wait for the next graph would use up a phone's battery.
            options.setGlobalSpinControl(false)
            try {
                OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "mvmoe", options)
            } catch (refused: IllegalStateException) {
                throw option(
                    "pool = PROCESS was given, but ONNX Runtime is in use in this process already, without that pool; " +
                        "open this engine before anything else uses ONNX Runtime, or leave pool out",
                )
            }
            threads.also { pool = it }
        }

    private fun option(message: String) = InputException(ErrorCode.ENGINE_OPTION, message, mapOf("option" to "pool"))
}
