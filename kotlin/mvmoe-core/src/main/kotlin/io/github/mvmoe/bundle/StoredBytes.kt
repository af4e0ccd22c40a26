package io.github.mvmoe.bundle

import java.io.Closeable
import java.nio.ByteBuffer

/** Memory with pieces of the file of weights, for engines: direct buffers, read only or never written to. */
internal interface StoredBytes : Closeable {
    /**
     * The bytes from a place in the file on; several threads may ask at once.
     *
     * @throws java.io.IOException where the file is no longer what it was.
     */
    fun at(
        offset: Long,
        bytes: Int,
    ): ByteBuffer
}
