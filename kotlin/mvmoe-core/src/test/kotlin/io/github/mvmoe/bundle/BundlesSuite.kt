package io.github.mvmoe.bundle

import io.github.mvmoe.MvmoeException
import io.github.mvmoe.json.JsonArray
import io.github.mvmoe.json.JsonNull
import io.github.mvmoe.json.JsonNumber
import io.github.mvmoe.json.JsonObject
import io.github.mvmoe.json.JsonString
import io.github.mvmoe.json.JsonValue
import io.github.mvmoe.json.StrictJson
import java.io.ByteArrayOutputStream
import java.io.Closeable
import java.io.File
import java.nio.file.Files
import java.util.Base64

/** `tests/conformance/bundles` as data; `README.md` there describes it. */
internal object BundlesSuite {
    private val folder = File(checkNotNull(System.getProperty("mvmoe.repository")), "tests/conformance/bundles/cases")

    /** The valid bundles by name. */
    val valid: Map<String, ValidBundle> by lazy {
        membersOf(folder.resolve("valid.json"), "bundles").map(::ValidBundle).associateBy { it.name }
    }

    /** The cases by the name of their file. */
    val cases: Map<String, List<BundleCase>> by lazy {
        val files = checkNotNull(folder.listFiles()).filter { it.name.endsWith(".json") && it.name != "valid.json" }
        files.sorted().associate { file -> file.nameWithoutExtension to membersOf(file, "cases").map(::BundleCase) }
    }

    /** The code with which a bundle is refused when it is opened and all of it is checked; null where it is valid. */
    fun codeOf(root: File): String? =
        try {
            Bundle.open(root).verify()
            null
        } catch (error: MvmoeException) {
            error.code.id
        }

    private fun membersOf(
        file: File,
        name: String,
    ): List<JsonObject> = (StrictJson.parse(file.readBytes())[name] as JsonArray).items.map { it as JsonObject }
}

internal class ValidBundle(
    content: JsonObject,
) {
    val name: String = content["name"].text
    val read: JsonValue = content["read"]
    val files: Map<String, ByteArray> = (content["files"] as JsonObject).members.mapValues { bytesOf(it.value) }
}

internal class BundleCase(
    content: JsonObject,
) {
    val name: String = content["name"].text
    val bundle: String = content["bundle"].text
    val edits: List<JsonObject> = (content["edits"] as JsonArray).items.map { it as JsonObject }
    val code: String? = content["code"].takeIf { it != JsonNull }?.text
}

/** Folders with the valid bundles, in which each case is made and undone. */
internal class Workplace : Closeable {
    private val folder: File = Files.createTempDirectory("bundles").toFile()

    /** What [use] makes of a bundle with some edits. */
    fun <T> edited(
        name: String,
        edits: List<JsonObject> = emptyList(),
        use: (File) -> T,
    ): T {
        val files = BundlesSuite.valid.getValue(name).files
        val root = folder.resolve(name)
        if (!root.exists()) write(root, files)
        val paths = edits.map { it["file"].text }.toSet()
        val after = files.toMutableMap()
        for (edit in edits) edit.members["at"]?.let { at -> after[edit["file"].text] = replaced(after[edit["file"].text], at, edit) }
        write(root, after.filterKeys { it in paths })
        for (edit in edits) edit.members["do"]?.let { change(root, it.text, root.resolve(edit["file"].text).normalize()) }
        try {
            return use(root)
        } finally {
            if (edits.any { "do" in it.members } || !files.keys.containsAll(paths)) {
                root.deleteRecursively()
            } else {
                write(root, files.filterKeys { it in paths })
            }
        }
    }

    override fun close() {
        folder.deleteRecursively()
    }

    private fun write(
        root: File,
        files: Map<String, ByteArray>,
    ) {
        for ((path, bytes) in files) root.resolve(path).also { it.parentFile.mkdirs() }.writeBytes(bytes)
    }

    /** Some bytes taken away from a place, and others put there. */
    private fun replaced(
        data: ByteArray?,
        at: JsonValue,
        edit: JsonObject,
    ): ByteArray {
        val before = data ?: ByteArray(0)
        val start = (at as JsonNumber).text.toInt()
        val end = start + (edit["remove"] as JsonNumber).text.toInt()
        return before.copyOfRange(0, start) + bytesOf(edit) + before.copyOfRange(end, before.size)
    }

    /** Removes a file or folder, or puts a link or an empty folder in its place. */
    private fun change(
        root: File,
        what: String,
        file: File,
    ) {
        if (what == "link") {
            val moved = root.resolve("moved-away")
            Files.move(file.toPath(), moved.toPath())
            Files.createSymbolicLink(file.toPath(), moved.toPath())
            return
        }
        check(file.deleteRecursively())
        if (what == "folder") check(file.mkdir())
    }
}

/** The bytes that a case has as `text`, `base64`, or `parts` with how often each stands there. */
private fun bytesOf(stored: JsonValue): ByteArray {
    val members = (stored as JsonObject).members
    members["base64"]?.let { return Base64.getDecoder().decode(it.text) }
    val parts = members["parts"] as? JsonArray ?: return members["text"]?.text.orEmpty().toByteArray()
    val bytes = ByteArrayOutputStream()
    for (part in parts.items) {
        val (text, times) = (part as JsonArray).items
        val piece = text.text.toByteArray()
        repeat((times as JsonNumber).text.toInt()) { bytes.write(piece) }
    }
    return bytes.toByteArray()
}

internal operator fun JsonValue.get(name: String): JsonValue = (this as JsonObject).members.getValue(name)

internal val JsonValue.text: String get() = (this as JsonString).text
