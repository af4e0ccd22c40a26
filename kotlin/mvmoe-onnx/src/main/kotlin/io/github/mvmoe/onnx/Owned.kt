package io.github.mvmoe.onnx

import java.io.Closeable
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger

/** An object in native memory with one owner: no garbage collector frees it. It is counted while it is open, and closed once. */
internal class Owned<T : AutoCloseable>(
    val value: T,
    private val count: AtomicInteger,
) : Closeable {
    private val isOpen = AtomicBoolean(true)

    init {
        count.incrementAndGet()
    }

    override fun close() {
        if (!isOpen.compareAndSet(true, false)) return
        count.decrementAndGet()
        value.close()
    }
}

/** How many native objects an engine has open. */
internal class LiveObjects {
    val options = AtomicInteger()
    val sessions = AtomicInteger()
    val tensors = AtomicInteger()
}
