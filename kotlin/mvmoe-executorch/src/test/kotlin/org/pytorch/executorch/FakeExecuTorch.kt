package org.pytorch.executorch

import java.util.concurrent.ConcurrentLinkedQueue

/** What a process has one of, and what was done wrong. */
object FakeExecuTorch {
    val faults = ConcurrentLinkedQueue<String>()
    val open = LinkedHashSet<Module>()

    /** The files that were mapped, one for each module. */
    val loads = ConcurrentLinkedQueue<String>()
    var backends = arrayOf("XnnpackBackend")
    private var threads = 0

    fun reset() {
        faults.clear()
        loads.clear()
        backends = arrayOf("XnnpackBackend")
        synchronized(open) { open.clear() }
    }

    fun add(
        module: Module,
        threads: Int,
    ) = synchronized(open) {
        if (open.isNotEmpty() && threads != this.threads) faults += "the pool was replaced under ${open.size} modules"
        this.threads = threads
        open += module
    }

    fun remove(module: Module) =
        synchronized(open) {
            if (!open.remove(module)) faults += "a module was destroyed twice"
        }
}
