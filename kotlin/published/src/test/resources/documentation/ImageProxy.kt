package androidx.camera.core

import java.nio.ByteBuffer

/** What the documentation calls of CameraX, which is not on Maven Central. */
interface ImageProxy : AutoCloseable {
    val planes: Array<PlaneProxy>
    val width: Int
    val height: Int
    val imageInfo: ImageInfo

    interface PlaneProxy {
        val buffer: ByteBuffer
        val rowStride: Int
        val pixelStride: Int
    }
}

interface ImageInfo {
    val rotationDegrees: Int
}
