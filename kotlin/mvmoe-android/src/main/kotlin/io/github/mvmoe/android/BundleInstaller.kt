package io.github.mvmoe.android

import android.content.Context
import android.net.Uri
import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.InputException
import io.github.mvmoe.ResourceLimitException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.io.File
import java.io.IOException

/**
 * Copies bundles to where engines can map their files: assets are inside of the APK.
 *
 * A bundle that is installed has the manifest's SHA-256 in its path, so that nothing is copied again before it changes, and a new
 * one takes the old one's place at once when it is whole: whatever happens on the way (storage is full, the process is killed), the
 * old one stays as it is, or there is none. Every file is checked against its hash before.
 *
 * A dispatcher that has the old one open goes on with what it has in memory; an expert that it would load then raises
 * `BundleReplacedException`.
 *
 * Installers of the same bundle wait for each other, in other processes too.
 *
 * @property directory where bundles are installed: `mvmoe` in the application's `filesDir`. It is no cache, which the system empties.
 */
public class BundleInstaller
    @JvmOverloads
    constructor(
        context: Context,
        public val directory: File = File(context.filesDir, "mvmoe"),
    ) {
        private val context = context.applicationContext

        /**
         * The bundle in a folder of the application's assets, installed. It blocks.
         *
         * @param folder its path in the assets: `models/digits.mvmoe`.
         * @param name what it is called where it is installed; a bundle of the same name and another manifest is replaced.
         * @throws BundleException if there is none (`bundle.missing`), or it is damaged.
         * @throws ResourceLimitException if the storage is full (`limit.reached`).
         * @throws InputException for a name that is no file's (`input.invalid`).
         */
        @JvmOverloads
        @Throws(InterruptedException::class)
        public fun fromAssets(
            folder: String,
            name: String = folder.trimEnd('/').substringAfterLast('/'),
        ): File = install(AssetFolder(context.assets, folder.trim('/')), name)

        /**
         * The bundle in a folder that the user has picked (`ACTION_OPEN_DOCUMENT_TREE`), installed; otherwise as [fromAssets].
         *
         * @param tree what the picker gave.
         */
        @Throws(InterruptedException::class)
        public fun fromTree(
            tree: Uri,
            name: String,
        ): File = install(DocumentFolder(context.contentResolver, tree), name)

        /** As [fromAssets], suspending; nothing is left of what was copied where it is cancelled. */
        public suspend fun fromAssetsAsync(
            folder: String,
            name: String = folder.trimEnd('/').substringAfterLast('/'),
        ): File = runInterruptible(Dispatchers.IO) { fromAssets(folder, name) }

        /** As [fromTree], suspending; nothing is left of what was copied where it is cancelled. */
        public suspend fun fromTreeAsync(
            tree: Uri,
            name: String,
        ): File = runInterruptible(Dispatchers.IO) { fromTree(tree, name) }

        internal fun install(
            source: BundleSource,
            name: String,
        ): File {
            requireName(name)
            return try {
                Installation(source, File(directory, name)).run()
            } catch (failure: IOException) {
                throw notInstalled(source, failure)
            }
        }

        private fun requireName(name: String) {
            val isName = name.isNotEmpty() && name.none { it == '/' || it == '\\' || it.code < ' '.code } && !name.startsWith('.')
            if (isName) return
            throw InputException(
                ErrorCode.INPUT_INVALID,
                "the name \"$name\" was given for a bundle; expected one that a folder can have, without a slash and no dot in front",
            )
        }

        private fun notInstalled(
            source: BundleSource,
            failure: IOException,
        ): RuntimeException {
            if (isStorageFull(failure)) return storageFull(source, cause = failure)
            return BundleException(
                ErrorCode.BUNDLE_INVALID,
                "$source cannot be copied to $directory (${failure.message}); try again, or take it from elsewhere",
                cause = failure,
            )
        }
    }
