package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.engine.Tensor
import io.github.mvmoe.routing.Route
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.RandomAccessFile
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotNull
import kotlin.test.assertSame
import kotlin.test.assertTrue

class StoredWeightsTest {
    @TempDir
    lateinit var root: File

    /** The weights of each tensor are its place in the file, one more, and so on. */
    private val manifest: Manifest by lazy(::make)
    private val target: Target get() = manifest.targets.getValue("onnx")

    @Test
    fun `each graph is given the weights of the experts on its route`() {
        opened().use { weights ->
            for (graph in target.graphs.filter { it.stage == 1 }) {
                for (route in manifest.rules[0].routes().filter { it.size == checkNotNull(graph.route).size }) {
                    val inputs = weights.inputs(graph, route)
                    assertEquals(graph.bound.keys, inputs.keys)
                    for ((name, bound) in graph.bound) {
                        val stored = target.experts[0][route[bound.place]].tensors.getValue(bound.tensor)
                        assertEquals(firstOf(stored), inputs.getValue(name).floats.get(0))
                        assertEquals(stored.shape, inputs.getValue(name).shape)
                    }
                }
            }
        }
    }

    @Test
    fun `tensors are direct, whole, in the machine's order, and made once`() {
        opened().use { weights ->
            val up = up(weights, 1)
            assertTrue(up.data.isDirect && up.data.isReadOnly)
            assertEquals(20 * 4, up.data.limit())
            assertEquals(List(20) { firstOf(stored(1)) + it }, List(20) { up.floats.get(it) })
            assertSame(up, up(weights, 1))
        }
    }

    @Test
    fun `what was checked is mapped, whatever lies at its path by now`() {
        val files = CheckedFiles.verify(root, target.files, keep = target.weights)
        root.resolve("onnx/weights.bin").delete()
        StoredWeights(root, target, files).use { assertEquals(firstOf(stored(2)), up(it, 2).floats.get(0)) }
    }

    @Test
    fun `without a file that was kept it is checked anew`() {
        val files = CheckedFiles.verify(root, target.files)
        StoredWeights(root, target, files).use { assertEquals(firstOf(stored(0)), up(it, 0).floats.get(0)) }
        root.resolve("onnx/weights.bin").appendText("x")
        assertFailsWith<BundleException> { StoredWeights(root, target, files) }
    }

    @Test
    fun `a file that was cut off is refused before it is mapped`() {
        val files = CheckedFiles.verify(root, target.files, keep = target.weights)
        RandomAccessFile(root.resolve("onnx/weights.bin"), "rw").use { it.setLength(100) }
        val error = assertFailsWith<MvmoeException> { StoredWeights(root, target, files) }
        assertEquals("bundle.file-unreadable", error.code.id)
        assertEquals("onnx/weights.bin", error.fields["file"])
    }

    @Test
    fun `on a file system that cannot map, pieces are read`() {
        val bytes = root.resolve("onnx/weights.bin").also { manifest }.readBytes()
        val read = ReadBytes(RandomAccessFile(root.resolve("onnx/weights.bin"), "r"))
        val mapped =
            RandomAccessFile(root.resolve("onnx/weights.bin"), "r").use {
                MappedBytes.map(
                    it.channel,
                    target.experts[0].flatMap { e ->
                        e.tensors.values
                    },
                )
            }
        for (tensor in target.experts[0].flatMap { it.tensors.values }) {
            val size = bytesOf(tensor.shape, tensor.dtype).toInt()
            val wanted = bytes.copyOfRange(tensor.offset.toInt(), tensor.offset.toInt() + size)
            for (stored in listOf(read, mapped)) {
                val piece = stored.at(tensor.offset, size)
                assertTrue(piece.isDirect)
                assertEquals(wanted.toList(), List(piece.limit()) { piece.get(it) })
            }
        }
        assertFailsWith<java.io.EOFException> { read.at(bytes.size - 4L, 8) }
        read.close()
    }

    @Test
    fun `tensors far from each other are in windows of their own`() {
        val gib = 1L shl 30
        val file = root.resolve("sparse").also { manifest }
        val places = listOf(0L, 64L, gib, 5 * gib, 5 * gib + 128).map { StoredTensor(it, listOf(4), DType.FLOAT32) }
        RandomAccessFile(file, "rw").use { sparse ->
            for (place in places) {
                sparse.seek(place.offset)
                sparse.write((place.offset / 64 % 127).toInt())
            }
            sparse.setLength(6 * gib)
            val mapped = MappedBytes.map(sparse.channel, places.shuffled())
            for (place in places) assertEquals((place.offset / 64 % 127).toByte(), mapped.at(place.offset, 16).get(0))
        }
    }

    @Test
    fun `many threads are given the same tensors`() {
        opened().use { weights ->
            val threads = Executors.newFixedThreadPool(8)
            val start = CountDownLatch(1)
            val found =
                List(8) {
                    threads.submit(
                        Callable {
                            start.await()
                            up(weights, 2)
                        },
                    )
                }
            start.countDown()
            assertEquals(1, found.map { System.identityHashCode(it.get()) }.distinct().size)
            threads.shutdown()
        }
    }

    @Test
    fun `advice changes nothing that is given, and needs no thread that stays`() {
        opened().use { weights ->
            repeat(100) { weights.advise(1, Route.of(it % 3)) }
            assertEquals(firstOf(stored(1)), up(weights, 1).floats.get(0))
            val reader = Thread.getAllStackTraces().keys.filter { it.name == "mvmoe-weights" }
            assertTrue(reader.all { it.isDaemon })
        }
    }

    @Test
    fun `a target of another strategy has none, and opens nothing`() {
        val plain = manifest.targets.getValue("plain")
        StoredWeights(root, plain, CheckedFiles.verify(root, emptyList())).use {
            it.advise(1, Route.of(0))
            assertEquals(emptyMap(), it.inputs(plain.graphs.last(), Route.of(0)))
        }
    }

    private fun opened() = StoredWeights(root, target, CheckedFiles.verify(root, target.files, keep = target.weights))

    private fun up(
        weights: StoredWeights,
        expert: Int,
    ): Tensor {
        val graph = target.graphs.first { it.route == Route.of(0) && it.stage == 1 }
        return assertNotNull(weights.inputs(graph, Route.of(expert))["up_0"])
    }

    private fun stored(expert: Int) = target.experts[0][expert].tensors.getValue("up")

    /** The first number of a tensor: one of its own for each place in the file. */
    private fun firstOf(tensor: StoredTensor) = tensor.offset.toFloat()

    /** The conformance suite's bundle with numbers for weights. */
    private fun make(): Manifest {
        BundlesSuite.valid.getValue("bound").writeTo(root)
        val plain = plainManifest("bound")
        val manifest = manifestOf(plain)
        val bound = manifest.targets.getValue("onnx")
        RandomAccessFile(root.resolve("onnx/weights.bin"), "rw").use { file ->
            for (tensor in bound.experts.flatten().flatMap { it.tensors.values }) {
                file.seek(tensor.offset)
                repeat(elementsOf(tensor.shape).toInt()) { file.writeInt(Integer.reverseBytes((firstOf(tensor) + it).toRawBits())) }
            }
        }
        for (target in plain["targets"].asPlain().values) for (file in target.asPlain()["files"].asItems()) refresh(file.asPlain())
        return manifestOf(plain)
    }

    private fun refresh(record: Plain) {
        val path = record["path"].toString()
        if (path == "onnx/weights.bin") record["sha256"] = sha256Of(root.resolve(path).readBytes())
    }
}
