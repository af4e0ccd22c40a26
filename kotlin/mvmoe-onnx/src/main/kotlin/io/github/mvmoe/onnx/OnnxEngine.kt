package io.github.mvmoe.onnx

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.Runner
import java.io.File

/**
 * Runs the ONNX graphs of a bundle with ONNX Runtime.
 *
 * The application brings ONNX Runtime itself, of version 1.29 or later: `com.microsoft.onnxruntime:onnxruntime-android` on
 * Android, `com.microsoft.onnxruntime:onnxruntime` elsewhere. Both have the same classes.
 *
 * **Telemetry.** ONNX Runtime reports to Microsoft unless the environment variable `ORT_DISABLE_TELEMETRY` is `1` when its library
 * is loaded. `mvmoe-android` sets it; on a JVM whoever starts the process has to, since Java cannot change its own environment.
 *
 * One engine may be given to any number of dispatchers, one after the other or at once.
 *
 * @property threads what one graph may use, 1 to 256; null leaves it to ONNX Runtime.
 * @property provider what computes; the CPU, unless it was measured that something else is better.
 * @property pool whose threads compute.
 * @throws InputException for a number of threads that is out of range (`input.invalid`).
 */
public class OnnxEngine
    @JvmOverloads
    constructor(
        public val threads: Int? = null,
        public val provider: ExecutionProvider = ExecutionProvider.Cpu,
        public val pool: ThreadPool = ThreadPool.SESSION,
    ) : Engine {
        private val live = LiveObjects()

        init {
            if (threads != null && threads !in 1..MOST_THREADS) {
                throw InputException(ErrorCode.INPUT_INVALID, "threads $threads was given; expected 1 to $MOST_THREADS")
            }
        }

        override val format: String get() = "onnx"

        /** How many sessions this engine has open: one for each graph in memory. */
        public val sessionCount: Int get() = live.sessions.get()

        /** How many tensors of ONNX Runtime this engine has open, over the memory of the dispatchers' tensors. */
        public val tensorCount: Int get() = live.tensors.get()

        /** How many sets of options are open: one for each runner. */
        internal val optionsCount: Int get() = live.options.get()

        /**
         * A runner of the target's graphs.
         *
         * @throws io.github.mvmoe.EngineException `engine.unsupported-platform` where ONNX Runtime, or its library for this
         * machine, is missing.
         * @throws InputException `engine.option` where this build of ONNX Runtime lacks the provider, or the process's pool of threads
         * is another one.
         */
        override fun open(
            root: File,
            target: Target,
        ): Runner =
            try {
                OnnxRunner(root, { sessionOptions(this, live) }, provider, live)
            } catch (missing: LinkageError) {
                throw EngineErrors("ONNX Runtime").missingLibrary(missing, ADVICE)
            }

        private companion object {
            /** ONNX Runtime starts all threads that it is asked for: more would only cost memory. */
            const val MOST_THREADS = 256

            const val ADVICE =
                "add com.microsoft.onnxruntime:onnxruntime-android (elsewhere :onnxruntime) of a version that has it to the application"
        }
    }
