package io.github.mvmoe.runner.bench

import java.io.File
import java.io.OutputStream

/** A file that is made, or emptied, when its first lines come: what was there before outlives a run that is refused. */
internal class ResultsStream(
    file: File,
) : OutputStream() {
    private val opening = lazy { file.outputStream() }
    private val stream by opening

    override fun write(byte: Int): Unit = stream.write(byte)

    override fun write(
        bytes: ByteArray,
        offset: Int,
        length: Int,
    ): Unit = stream.write(bytes, offset, length)

    override fun close() {
        if (opening.isInitialized()) stream.close()
    }
}
