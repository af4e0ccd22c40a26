package io.github.mvmoe.bundle

import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.attribute.BasicFileAttributes

/** What the system records of a file: it differs for another file, and for other content. */
internal class FileIdentity private constructor(
    private val facts: List<Any?>,
) {
    override fun equals(other: Any?): Boolean = other is FileIdentity && facts == other.facts

    override fun hashCode(): Int = facts.hashCode()

    companion object {
        /** Device, inode, size, and the times of the last change of content and of anything at all. */
        private const val FACTS = "unix:dev,ino,size,lastModifiedTime,ctime"

        @Volatile
        private var isUnix = true

        /** The identity of what is at a path, of a link itself; null where nothing is, or the system does not say. */
        fun of(file: File): FileIdentity? =
            try {
                FileIdentity(if (isUnix) unix(file) else basic(file))
            } catch (_: IOException) {
                null
            }

        private fun unix(file: File): List<Any?> {
            try {
                val found = Files.readAttributes(file.toPath(), FACTS, LinkOption.NOFOLLOW_LINKS)
                return listOf(found["dev"], found["ino"], found["size"], found["lastModifiedTime"], found["ctime"])
            } catch (_: UnsupportedOperationException) {
                isUnix = false
            } catch (_: IllegalArgumentException) {
                isUnix = false
            }
            return basic(file)
        }

        /** Where the system has no inodes. */
        private fun basic(file: File): List<Any?> {
            val found = Files.readAttributes(file.toPath(), BasicFileAttributes::class.java, LinkOption.NOFOLLOW_LINKS)
            return listOf(found.fileKey(), found.isRegularFile, found.size(), found.lastModifiedTime(), found.creationTime())
        }
    }
}
