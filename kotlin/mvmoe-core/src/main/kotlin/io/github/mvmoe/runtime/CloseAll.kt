package io.github.mvmoe.runtime

import java.io.Closeable

/** Closes all of them, in order, and raises what the first that fails raises. */
internal fun closeAll(parts: Iterable<Closeable>) {
    var first: Throwable? = null
    for (part in parts) {
        try {
            part.close()
        } catch (failure: Throwable) {
            first?.addSuppressed(failure)
            first = first ?: failure
        }
    }
    first?.let { throw it }
}
