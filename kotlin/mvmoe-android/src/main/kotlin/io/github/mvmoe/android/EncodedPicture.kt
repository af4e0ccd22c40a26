package io.github.mvmoe.android

import android.content.ContentResolver
import android.content.res.AssetManager
import android.graphics.ImageDecoder
import android.net.Uri
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException
import java.io.InputStream

/** Where the bytes of a picture come from; it says itself what it is, for messages. */
internal interface EncodedPicture {
    /** The bytes from their beginning; it may be called several times. */
    fun open(): InputStream

    /** The same for Android 9 and later: an `ImageDecoder.Source`, which Android 8 does not know. */
    fun source(): Any
}

internal class UriPicture(
    private val resolver: ContentResolver,
    private val uri: Uri,
) : EncodedPicture {
    override fun open(): InputStream =
        try {
            resolver.openInputStream(uri) ?: throw FileNotFoundException("its provider has gone")
        } catch (refused: RuntimeException) {
            // SecurityException, and whatever a provider of another application throws.
            throw IOException(refused.message ?: "its provider refuses", refused)
        }

    override fun source(): Any = Sources.of(resolver, uri)

    override fun toString(): String = "picture $uri"
}

internal class AssetPicture(
    private val assets: AssetManager,
    private val path: String,
) : EncodedPicture {
    override fun open(): InputStream = assets.open(path)

    override fun source(): Any = Sources.of(assets, path)

    override fun toString(): String = "picture $path of the assets"
}

internal class FilePicture(
    private val file: File,
) : EncodedPicture {
    override fun open(): InputStream = file.inputStream()

    override fun source(): Any = Sources.of(file)

    override fun toString(): String = "picture $file"
}

@NewerAndroid
private object Sources {
    fun of(
        resolver: ContentResolver,
        uri: Uri,
    ): Any = ImageDecoder.createSource(resolver, uri)

    fun of(
        assets: AssetManager,
        path: String,
    ): Any = ImageDecoder.createSource(assets, path)

    fun of(file: File): Any = ImageDecoder.createSource(file)
}
