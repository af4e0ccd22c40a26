package io.github.mvmoe.bundle

import io.github.mvmoe.ErrorCode
import java.io.File
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.NoSuchFileException
import java.nio.file.attribute.BasicFileAttributes

/** Finds the files of a bundle: each is a regular file, and no part of its path is a symbolic link. */
internal object PlainFiles {
    /**
     * The file at a path of the bundle at [root].
     *
     * @throws io.github.mvmoe.BundleException where it is missing, is no regular file, or is behind a link.
     */
    fun find(
        root: File,
        path: String,
    ): File {
        var file = root
        var last: BasicFileAttributes? = null
        for (part in path.split('/')) {
            // A part of a path that is a file has nothing in it.
            if (last?.isRegularFile == true) throw missing(root, path)
            file = File(file, part)
            last = attributes(file, root, path) ?: throw missing(root, path)
            if (last.isSymbolicLink) throw link(root, path)
        }
        if (last?.isRegularFile != true) throw notRegular(root, path)
        return file
    }

    /** Whether nothing is at a path; what is there and wrong, or cannot be looked at, is not missing. */
    fun isMissing(
        root: File,
        path: String,
    ): Boolean {
        var file = root
        for (part in path.split('/')) {
            file = File(file, part)
            val found = runCatching { attributes(file, root, path) }.getOrElse { return false } ?: return true
            if (!found.isDirectory) return false
        }
        return false
    }

    private fun attributes(
        file: File,
        root: File,
        path: String,
    ): BasicFileAttributes? =
        readingFile(root, path) {
            try {
                Files.readAttributes(file.toPath(), BasicFileAttributes::class.java, LinkOption.NOFOLLOW_LINKS)
            } catch (_: NoSuchFileException) {
                null
            }
        }

    private fun missing(
        root: File,
        path: String,
    ) = wrongFile(ErrorCode.BUNDLE_FILE_MISSING, path, "$path of bundle $root is missing")

    private fun notRegular(
        root: File,
        path: String,
    ) = wrongFile(ErrorCode.BUNDLE_FILE_NOT_PLAIN, path, "$path of bundle $root is not a regular file")

    private fun link(
        root: File,
        path: String,
    ) = wrongFile(
        ErrorCode.BUNDLE_FILE_NOT_PLAIN,
        path,
        "$path of bundle $root is behind a symbolic link, and a bundle holds plain files only; copy it with its links resolved " +
            "(cp -rL $root COPY)",
    )
}
