package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.json.StrictJson
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.RandomAccessFile
import kotlin.random.Random
import kotlin.test.assertTrue

/** Thousands of damaged manifests and golden files: each is read or refused by an error of ours, never by another exception. */
@Timeout(300)
class DamagedManifestTest {
    @TempDir
    lateinit var folder: File

    @Test
    fun `bytes of a manifest are changed`() {
        val outcomes = HashMap<String, Int>()
        val random = Random(SEED)
        repeat(TIMES) {
            val manifest = valid[it % valid.size].copyOf()
            count(outcomes, read(damaged(manifest, random)))
        }
        assertTrue(outcomes.getOrDefault(READ, 0) > TIMES / 100, "$outcomes")
        assertTrue(outcomes.size > 12, "$outcomes")
    }

    @Test
    fun `values of a manifest are changed for others`() {
        val outcomes = HashMap<String, Int>()
        val random = Random(SEED + 1)
        repeat(TIMES) {
            val text = String(valid[it % valid.size])
            count(outcomes, read(withOtherValues(text, random).toByteArray()))
        }
        assertTrue(outcomes.getOrDefault(READ, 0) > TIMES / 100, "$outcomes")
        assertTrue(outcomes.size > 16, "$outcomes")
    }

    @Test
    fun `bytes of golden vectors are changed`() {
        val bundle = BundlesSuite.valid.getValue("finishing")
        val manifest = ManifestReader.read(StrictJson.parse(bundle.manifest))
        val golden = bundle.files.getValue(manifest.golden.file.path)
        val random = Random(SEED + 2)
        val outcomes = HashMap<String, Int>()
        val file = folder.resolve("golden")
        repeat(TIMES / 5) {
            val bytes = damaged(golden.copyOf(), random)
            file.writeBytes(bytes)
            count(
                outcomes,
                outcome {
                    RandomAccessFile(file, "r").use { opened ->
                        SafetensorsFile.read(opened, recordOf("golden", bytes), folder)
                    }
                },
            )
        }
        assertTrue(outcomes.keys == setOf(READ, "bundle.golden-invalid"), "$outcomes")
    }

    private fun read(bytes: ByteArray): String = outcome { ManifestReader.read(StrictJson.parse(bytes)).also(Consistency::check) }

    private fun outcome(read: () -> Unit): String =
        try {
            read()
            READ
        } catch (error: BundleException) {
            assertTrue(error.message.orEmpty().length < 4000, "a sentence of ${error.message.orEmpty().length} characters")
            error.code.id
        }

    private fun count(
        outcomes: MutableMap<String, Int>,
        outcome: String,
    ) {
        outcomes[outcome] = outcomes.getOrDefault(outcome, 0) + 1
    }

    /** Some bytes changed, left out, put in, or a piece written twice or cut off. */
    private fun damaged(
        bytes: ByteArray,
        random: Random,
    ): ByteArray {
        val at = random.nextInt(bytes.size)
        val end = minOf(bytes.size, at + 1 + random.nextInt(8))
        val before = bytes.copyOfRange(0, at)
        val after = bytes.copyOfRange(end, bytes.size)
        return when (random.nextInt(6)) {
            0 -> before + random.nextBytes(end - at) + after
            1 -> before + after
            2 -> before + bytes.copyOfRange(at, end) + bytes.copyOfRange(at, end) + after
            3 -> bytes.copyOfRange(0, if (random.nextInt(4) == 0) at else bytes.size)
            4 -> before + SIGNS.random(random).toByteArray() + after
            else -> bytes.also { it[at] = (it[at] + random.nextInt(-1, 2)).toByte() }
        }
    }

    /** One to three of a manifest's texts and numbers, each in the place of another or a number at the end of a range. */
    private fun withOtherValues(
        text: String,
        random: Random,
    ): String {
        var found = text
        repeat(1 + random.nextInt(3)) {
            val values = VALUE.findAll(found).mapNotNull { it.groups[1] }.toList()
            val replaced = values.random(random)
            // Mostly of the same type: the others end at the first check.
            val alike = values.filter { kindOf(it.value) == kindOf(replaced.value) }
            val other = if (random.nextInt(4) > 0) alike.random(random).value else VALUES.random(random)
            found = found.replaceRange(replaced.range, other)
        }
        return found
    }

    private fun kindOf(value: String) = if (value[0].isDigit()) '0' else value[0]

    private companion object {
        const val SEED = 20261127
        const val TIMES = 5000
        const val READ = "read"
        val valid = BundlesSuite.valid.values.map { it.manifest }

        /** A key, or in the group a value without others in it: a key of another kind would be no JSON any more. */
        val VALUE = Regex("\"[^\"]*\" ?:|(\"[^\"]*\"|-?[0-9][0-9.eE+-]*|null|true|false|\\[[^\\[\\]{}]*]|\\{[^\\[\\]{}]*\\})")
        val SIGNS = listOf("{", "}", "[", "]", ",", ":", "\"", "\\", "\\ud800", "null", "1e999", "-", "\u0000", "\ufeff")
        val VALUES =
            listOf(
                "0",
                "1",
                "-1",
                "2",
                "4096",
                "4097",
                "2147483647",
                "2147483648",
                "9007199254740992",
                "9223372036854775808",
                "1e308",
                "1e309",
            ) +
                listOf(
                    "0.5",
                    "null",
                    "true",
                    "[]",
                    "{}",
                    "\"\"",
                    "\"image\"",
                    "[0]",
                    "[0,1]",
                    "[1,0]",
                    "[[]]",
                    "\"a/../b\"",
                    "\"gather\"",
                    "\"bind\"",
                )
    }
}
