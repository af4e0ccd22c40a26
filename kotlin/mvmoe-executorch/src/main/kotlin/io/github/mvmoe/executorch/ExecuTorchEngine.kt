package io.github.mvmoe.executorch

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.bundle.Target
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.engine.EngineErrors
import io.github.mvmoe.engine.Runner
import java.io.File
import java.util.concurrent.atomic.AtomicInteger

/**
 * Runs the ExecuTorch graphs of a bundle with executorch-android.
 *
 * The application brings executorch-android itself: `org.pytorch:executorch-android`, of version 1.0.1 or later.
 *
 * Each graph in memory is a module of its own over the same mapped file, since ExecuTorch gives back the memory of a whole module
 * only. What a delegate makes of weights when a graph loads (XNNPACK packs them) each graph has for itself.
 *
 * **Threads.** ExecuTorch has one pool of threads a process, and loading a module with another number replaces it under the
 * modules that use it. Engines with different numbers are therefore refused while graphs are loaded, and whatever else in the
 * application loads modules of ExecuTorch has to give the same number.
 *
 * One engine may be given to any number of dispatchers, one after the other or at once.
 *
 * @property threads how many threads ExecuTorch's pool has, 1 to 256; null for half of the processor's cores, as ExecuTorch
 * chooses.
 * @throws InputException for a number of threads that is out of range (`input.invalid`).
 */
public class ExecuTorchEngine
    @JvmOverloads
    constructor(
        public val threads: Int? = null,
    ) : Engine {
        private val open = AtomicInteger()

        init {
            if (threads != null && threads !in 1..MOST_THREADS) {
                throw InputException(ErrorCode.INPUT_INVALID, "threads $threads was given; expected 1 to $MOST_THREADS")
            }
        }

        override val format: String get() = "executorch"

        /** How many modules of ExecuTorch this engine has open: one for each graph in memory. */
        public val moduleCount: Int get() = open.get()

        /**
         * A runner of the target's graphs.
         *
         * @throws io.github.mvmoe.EngineException `engine.unsupported-platform` where executorch-android, its library for this
         * machine, or the delegate that the target was lowered to is missing.
         */
        override fun open(
            root: File,
            target: Target,
        ): Runner =
            try {
                ExecuTorchRunner(root, requireDelegate(target), threads ?: EXECUTORCHS_CHOICE, open)
            } catch (missing: LinkageError) {
                throw EngineErrors("ExecuTorch").missingLibrary(missing, ADVICE)
            }

        private companion object {
            /** ExecuTorch starts all threads that it is asked for: more would only cost memory. */
            const val MOST_THREADS = 256

            /** What `Module.load` takes for half of the cores. */
            const val EXECUTORCHS_CHOICE = 0

            const val ADVICE = "add org.pytorch:executorch-android with its libraries for that to the application"
        }
    }
