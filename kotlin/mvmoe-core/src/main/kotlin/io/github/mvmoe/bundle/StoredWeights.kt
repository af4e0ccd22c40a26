package io.github.mvmoe.bundle

import io.github.mvmoe.EngineException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.engine.Limit
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import java.io.Closeable
import java.io.File
import java.io.IOException
import java.io.RandomAccessFile
import java.nio.ByteOrder
import java.util.concurrent.atomic.AtomicReferenceArray

/**
 * The weights that graphs take as inputs (`docs/bundle.md`, *Weights that graphs take*), from a file that was checked.
 *
 * The file is mapped, so nothing is read before it is used. On a file system that cannot map, a weight is read when it is
 * first asked for, and kept. May be used by several threads at once.
 *
 * @throws MvmoeException where the file is not what it was, and where there is no room to map it (`limit.memory`).
 */
internal class StoredWeights(
    private val root: File,
    private val target: Target,
    files: CheckedFiles,
) : Closeable {
    private val stored = if (target.experts.isEmpty()) null.also { files.close() } else open(files)
    private val tensors = target.experts.map { AtomicReferenceArray<Map<String, Tensor>>(it.size) }
    private val advised = AtomicReferenceArray<Route>(target.experts.size)
    private val reader = BackgroundReader()

    /** Whether weights lie in a mapping of the file that was checked; on some file systems they are read instead. */
    val isMapped: Boolean get() = stored is MappedBytes

    /**
     * The weights that a graph takes for the images of a route, by the inputs' names.
     *
     * @throws MvmoeException where the file cannot be read any more, or memory runs out.
     */
    fun inputs(
        graph: Graph,
        route: Route,
    ): Map<String, Tensor> = graph.bound.mapValues { (_, bound) -> of(graph.stage, route[bound.place]).getValue(bound.tensor) }

    /**
     * Reads the weights of a route's experts in the background, so that they are in memory when its graph runs.
     *
     * [stage] is that of the graphs, from 1 on. The route that was asked for last is not read again; what fails says so when
     * the weights are asked for.
     */
    fun advise(
        stage: Int,
        route: Route,
    ) {
        if (stored == null || advised.getAndSet(stage - 1, route) == route) return
        reader.start {
            for (number in route) of(stage, number).values.forEach { reader.touch(it.data) }
        }
    }

    /** Frees what the system holds for the file; tensors that were given stay as they are. */
    override fun close() {
        reader.close()
        stored?.close()
    }

    /** The tensors of an expert, as they lie in the file. */
    private fun of(
        stage: Int,
        number: Int,
    ): Map<String, Tensor> {
        val row = tensors[stage - 1]
        row.get(number)?.let { return it }
        val found = target.experts[stage - 1][number].tensors.mapValues { (_, place) -> tensorAt(place) }
        row.compareAndSet(number, null, found)
        return row.get(number)
    }

    private fun tensorAt(place: StoredTensor): Tensor =
        readingWeights {
            val bytes = checkNotNull(stored).at(place.offset, bytesOf(place.shape, place.dtype).toInt())
            Tensor(place.dtype, place.shape, bytes.order(ByteOrder.LITTLE_ENDIAN))
        }

    private fun open(files: CheckedFiles): StoredBytes {
        requireLittleEndian()
        requireBuffers()
        val record = target.files.first { it.path == target.weights }
        val opened = files.takeKept() ?: CheckedFile.open(root, record).opened
        try {
            val bytes = readingWeights { map(opened, record) } ?: return ReadBytes(opened)
            opened.close()
            return bytes
        } catch (error: Throwable) {
            opened.close()
            throw error
        }
    }

    /** Null on a file system that cannot map. */
    private fun map(
        opened: RandomAccessFile,
        record: FileRecord,
    ): StoredBytes? {
        val size = opened.length()
        // What is mapped beyond the end of a file ends the process when it is read.
        if (size != record.bytes) throw IOException("$size bytes were found instead of ${record.bytes}")
        return try {
            MappedBytes.map(opened.channel, places())
        } catch (error: IOException) {
            // A channel closes itself where its thread is interrupted; that is no file system that cannot map.
            if (Limit.of(error) == null && opened.channel.isOpen) null else throw error
        }
    }

    /** All tensors of all experts. */
    private fun places(): List<StoredTensor> = target.experts.flatMap { row -> row.flatMap { it.tensors.values } }

    /** A buffer of Java holds 2 GiB. */
    private fun requireBuffers() {
        val largest = places().maxOfOrNull { bytesOf(it.shape, it.dtype) } ?: 0
        if (largest <= Int.MAX_VALUE) return
        val sentence = "target ${target.name} has a weight of $largest bytes, and at most ${Int.MAX_VALUE} have room in one buffer"
        throw ResourceLimitException(ErrorCode.LIMIT_MEMORY, "$sentence; use a target of another strategy")
    }

    private fun requireLittleEndian() {
        if (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) return
        throw EngineException(
            ErrorCode.ENGINE_UNSUPPORTED_PLATFORM,
            "target ${target.name} gives its graphs weights as they lie in a file, little-endian, and this machine is big-endian; " +
                "use a target of another strategy",
        )
    }

    private inline fun <T> readingWeights(read: () -> T): T =
        try {
            readingFile(root, target.weights.orEmpty(), read)
        } catch (error: OutOfMemoryError) {
            val sentence = "the weights ${target.weights} of bundle $root cannot be read: ${Limit.MEMORY.advice}"
            throw ResourceLimitException(ErrorCode.LIMIT_MEMORY, sentence, cause = error)
        }
}
