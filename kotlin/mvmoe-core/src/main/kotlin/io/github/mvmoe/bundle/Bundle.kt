package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.ResourceLimitException
import io.github.mvmoe.json.StrictJson
import io.github.mvmoe.json.quoted
import java.io.File
import java.security.MessageDigest

/**
 * A bundle (`docs/bundle.md`): a directory with a model as graphs, whose manifest was checked in every respect.
 *
 * Its other files are checked by [verify], and by what opens them. Nothing stays open.
 *
 * @property root the directory.
 * @property manifest what is in the bundle and how it is used.
 * @property manifestSha256 the SHA-256 of `manifest.json`, which has those of all other files: 64 hexadecimal digits.
 */
public class Bundle private constructor(
    public val root: File,
    public val manifest: Manifest,
    public val manifestSha256: String,
) {
    /**
     * The target [name].
     *
     * @throws BundleException where the bundle was exported without it (`bundle.no-target`).
     */
    public fun target(name: String): Target = manifest.targets[name] ?: throw noTarget(name)

    /**
     * Targets whose files somebody has removed from the bundle, each with a clause that says so.
     *
     * None of such a target's own files is there; those that other targets have too may be. A target of which only some are
     * missing is damaged, and so is a bundle of which no target is left: [verify] refuses them.
     */
    public fun removedTargets(): Map<String, String> {
        val removed = RemovedTargets(root, manifest).find()
        return if (removed.size < manifest.targets.size) removed else emptyMap()
    }

    /**
     * Checks the files of some targets (of all if none is named) against their hashes, and the golden vectors.
     *
     * @throws BundleException that names the first file that is missing, cut off or altered, or the first golden vector that
     * is not what the manifest makes it.
     */
    public fun verify(vararg targets: String) {
        val names = if (targets.isEmpty()) manifest.targets.keys else targets.toList()
        for (name in names) CheckedFiles.verify(root, target(name).files).close()
        golden().close()
    }

    /** The golden vectors, checked; the caller closes them. */
    internal fun golden(): GoldenVectors = GoldenVectors.open(root, manifest)

    private fun noTarget(name: String): BundleException {
        val available = manifest.targets.keys.sorted()
        return BundleException(
            ErrorCode.BUNDLE_NO_TARGET,
            "bundle $root has no target ${quoted(name)}; it has ${available.joinToString()}: export it with --target",
            mapOf("target" to name, "available" to available),
        )
    }

    public companion object {
        private const val MANIFEST_FILE = "manifest.json"

        /** Errors whose sentence says what to do already. */
        private val ADVISED =
            setOf(
                ErrorCode.BUNDLE_UNSUPPORTED_VERSION,
                ErrorCode.BUNDLE_UNKNOWN_RULE,
                ErrorCode.BUNDLE_UNKNOWN_STRATEGY,
                ErrorCode.BUNDLE_UNKNOWN_KIND,
            )

        /**
         * Reads and checks the manifest of the bundle at [root].
         *
         * @param manifestSha256 64 hexadecimal digits, as `mvmoe inspect` prints them: a manifest of any other content is refused
         * unread.
         * @throws BundleException where there is no bundle, or its manifest is wrong.
         * @throws InputException where [manifestSha256] is no SHA-256.
         */
        @JvmStatic
        @JvmOverloads
        public fun open(
            root: File,
            manifestSha256: String? = null,
        ): Bundle {
            val wanted = manifestSha256?.let(::requireSha256)
            val bytes = readManifest(root)
            val found = hexadecimal(MessageDigest.getInstance("SHA-256").digest(bytes))
            if (wanted != null && wanted != found) throw wrongManifest(root, wanted, found)
            return Bundle(root, parse(bytes, root), found)
        }

        private fun requireSha256(given: String): String {
            val isDigits = given.length == 64 && given.all { it in '0'..'9' || it in 'a'..'f' || it in 'A'..'F' }
            if (isDigits) return given.lowercase()
            throw InputException(
                ErrorCode.INPUT_INVALID,
                "the SHA-256 of a manifest was given as ${quoted(given)}; expected 64 hexadecimal digits, as mvmoe inspect prints them",
            )
        }

        private fun readManifest(root: File): ByteArray {
            if (!root.isDirectory) {
                throw BundleException(
                    ErrorCode.BUNDLE_MISSING,
                    "bundle $root is not a directory; give one that mvmoe export has written",
                    mapOf("bundle" to root.path),
                )
            }
            val file = PlainFiles.find(root, MANIFEST_FILE)
            // One byte more than is read, so that a longer file is seen to be one.
            return readingFile(root, MANIFEST_FILE) { file.inputStream().use { readAtMost(it, StrictJson.MOST_BYTES + 1, file.length()) } }
        }

        private fun parse(
            bytes: ByteArray,
            root: File,
        ): Manifest =
            try {
                ManifestReader.read(StrictJson.parse(bytes)).also(Consistency::check)
            } catch (error: BundleException) {
                val advice = if (error.code in ADVISED) "" else "; fetch the bundle again or export it again"
                throw BundleException(error.code, "the manifest of bundle $root is wrong: ${error.message}$advice", error.fields, error)
            } catch (error: OutOfMemoryError) {
                throw ResourceLimitException(
                    ErrorCode.LIMIT_MEMORY,
                    "the manifest of bundle $root, of ${bytes.size} bytes, needs more memory than there is; give the process more",
                    cause = error,
                )
            }

        private fun wrongManifest(
            root: File,
            wanted: String,
            found: String,
        ) = BundleException(
            ErrorCode.BUNDLE_WRONG_MANIFEST,
            "bundle $root is not the one that was asked for: its manifest has the SHA-256 $found, and $wanted was given; take the " +
                "bundle from where that was published",
            mapOf("expected" to wanted, "found" to found),
        )
    }
}
