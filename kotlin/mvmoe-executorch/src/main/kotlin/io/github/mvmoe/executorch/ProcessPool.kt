package io.github.mvmoe.executorch

import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import java.util.concurrent.atomic.AtomicInteger

/**
 * ExecuTorch's pool of threads, of which a process has one.
 *
 * `Module.load` gives it the number of threads that it is called with. That replaces the pool if the number is another one, and
 * methods that are loaded crash, since they keep a pointer to the old one. So all modules that are open have the same number.
 */
internal object ProcessPool {
    private val modules = AtomicInteger()
    private var threads = 0

    /**
     * Loads one more module, one after the other: nothing says that ExecuTorch is made for more.
     *
     * @throws InputException `engine.option` where modules with another number of threads are open.
     */
    fun <T> load(
        threads: Int,
        load: () -> T,
    ): T =
        synchronized(this) {
            if (modules.get() > 0 && threads != this.threads) throw taken(threads)
            val loaded = load()
            this.threads = threads
            modules.incrementAndGet()
            loaded
        }

    /** Destroys a module, waiting for no load of another one. */
    fun unload(destroy: () -> Unit) {
        destroy()
        modules.decrementAndGet()
    }

    private fun taken(wanted: Int) =
        InputException(
            ErrorCode.ENGINE_OPTION,
            "threads ${inWords(wanted)} was given, but this process has one pool for all graphs of ExecuTorch, and graphs that are " +
                "loaded use it with ${inWords(threads)}; close them first, or give that number",
            mapOf("option" to "threads"),
        )

    private fun inWords(threads: Int) = if (threads == 0) "null (half of the cores)" else "$threads"
}
