package io.github.mvmoe.executorch

import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import java.io.Closeable
import java.io.File
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/** A module with one method loaded, which has one owner. It is counted while it is open, and destroyed once. */
internal class OwnedModule private constructor(
    private val module: Module,
    private val method: String,
    private val count: AtomicInteger,
) : Closeable {
    private val isOpen = AtomicBoolean(true)

    init {
        count.incrementAndGet()
    }

    /** What the method gives: memory of the module's own, until the method is run again. */
    fun execute(inputs: Array<EValue>): Array<EValue> = module.execute(method, *inputs)

    override fun close() {
        if (!isOpen.compareAndSet(true, false)) return
        count.decrementAndGet()
        ProcessPool.unload { module.destroy() }
    }

    companion object {
        /** Maps the file and loads the method; nothing stays open where that fails. */
        fun load(
            file: File,
            method: String,
            threads: Int,
            count: AtomicInteger,
        ): OwnedModule {
            val module = ProcessPool.load(threads) { Module.load(file.path, Module.LOAD_MODE_MMAP, threads) }
            val owned = OwnedModule(module, method, count)
            try {
                MethodLoading.load(module, method)
            } catch (failure: Throwable) {
                owned.close()
                throw failure
            }
            return owned
        }
    }
}
