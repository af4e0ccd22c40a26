package io.github.mvmoe.android

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Color
import android.graphics.ColorSpace
import android.net.Uri
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.ImageException
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows
import java.io.ByteArrayInputStream
import java.io.File
import kotlin.math.abs
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertTrue

@RunWith(RobolectricTestRunner::class)
class PicturesTest {
    @get:Rule
    val folder = TemporaryFolder()
    private val context: Context = RuntimeEnvironment.getApplication()
    private val pictures = Pictures(context)
    private val decoders = listOf(ImageDecoding, BitmapDecoding)

    private fun file(bytes: ByteArray): File = folder.newFile().apply { writeBytes(bytes) }

    private fun refused(
        bytes: ByteArray,
        decoder: PictureDecoder,
    ): ImageException = assertThrows(ImageException::class.java) { pictures.decode(FilePicture(file(bytes)), decoder) }

    @Test
    fun `a PNG gives its pixels, by either decoder`() {
        val file = file(png(bitmapOf(COLOURS, 4)))
        assertContentEquals(COLOURS, upright(pictures.decode(file)))
        for (decoder in decoders) assertContentEquals(COLOURS, upright(pictures.decode(FilePicture(file), decoder)), "$decoder")
    }

    @Test
    fun `the colour under alpha stays`() {
        val bitmap = Bitmap.createBitmap(2, 1, Bitmap.Config.ARGB_8888).apply { isPremultiplied = false }
        bitmap.setPixels(intArrayOf(Color.argb(3, 200, 100, 50), Color.argb(128, 10, 20, 30)), 0, 2, 0, 0, 2, 1)
        val wanted = intArrayOf(Color.rgb(200, 100, 50), Color.rgb(10, 20, 30))
        for (decoder in decoders) {
            assertContentEquals(wanted, upright(pictures.decode(FilePicture(file(png(bitmap))), decoder)), "$decoder")
        }
    }

    @Test
    fun `colours of a file with another profile are converted to sRGB`() {
        val space = ColorSpace.get(ColorSpace.Named.DISPLAY_P3)
        val bitmap = Bitmap.createBitmap(4, 4, Bitmap.Config.ARGB_8888, false, space)
        bitmap.eraseColor(Color.pack(0.5f, 0.5f, 0.25f, 1f, space))
        val wanted = Color.toArgb(Color.convert(0.5f, 0.5f, 0.25f, 1f, space, ColorSpace.get(ColorSpace.Named.SRGB)))
        for (decoder in decoders) {
            val found = upright(pictures.decode(FilePicture(file(png(bitmap))), decoder)).first()
            assertTrue(distance(wanted, found) <= 2, "$decoder: ${Integer.toHexString(found)}, wanted ${Integer.toHexString(wanted)}")
            assertTrue(distance(Color.rgb(128, 128, 64), found) > 4, "the numbers are those of P3")
        }
    }

    @Test
    fun `a JPEG is upright whatever its orientation, by either decoder`() {
        // Blocks of 16 x 16 keep their colours in a JPEG.
        val colours = listOf(Color.RED, Color.GREEN, Color.BLUE, Color.WHITE, Color.BLACK, Color.YELLOW)
        val stored = IntArray(48 * 32) { colours[it / 48 / 16 * 3 + it % 48 / 16] }
        val jpeg = jpeg(bitmapOf(stored, 48))
        for (orientation in 1..8) {
            val plain = pictures.decode(FilePicture(file(jpeg)), BitmapDecoding)
            val wanted =
                upright(
                    with(plain) {
                        io.github.mvmoe.preprocessing
                            .PixelBuffer(format, width, height, planes, orientation)
                    },
                )
            for (decoder in decoders) {
                val found = upright(pictures.decode(FilePicture(file(oriented(jpeg, orientation))), decoder))
                val off = wanted.indices.maxOf { place -> distance(wanted[place], found[place]) }
                assertTrue(off <= 2, "$decoder, orientation $orientation: $off levels")
            }
        }
    }

    @Test
    fun `an orientation that EXIF does not have turns nothing`() {
        val buffer = pictures.decode(FilePicture(file(oriented(jpeg(bitmapOf(COLOURS, 4)), 99))), BitmapDecoding)
        assertEquals(listOf(4, 2, 1), listOf(buffer.width, buffer.height, buffer.orientation))
    }

    @Test
    fun `a picture of more pixels than are decoded is sampled down, by either decoder`() {
        val colours = IntArray(400 * 200) { if (it % 400 < 200) Color.RED else Color.BLUE }
        val file = file(png(bitmapOf(colours, 400)))
        for (decoder in decoders) {
            val small = Pictures(context, maxPixels = 6000).decode(FilePicture(file), decoder)
            assertTrue(small.width * small.height <= 6000, "$decoder: ${small.width} x ${small.height}")
            assertEquals(2, small.width / small.height)
            val found = upright(small)
            assertEquals(listOf(Color.RED, Color.BLUE), listOf(found.first(), found.last()))
        }
    }

    @Test
    fun `100 megapixels are decoded in the memory of a few, and more are refused`() {
        val decoded = ArrayList<Pair<Int, Long>>()
        val decoder =
            object : PictureDecoder {
                var size = 0 to 0

                override fun decode(
                    picture: EncodedPicture,
                    sampling: Sampling,
                ): DecodedPicture {
                    val sample = sampling(picture, size.first, size.second)
                    decoded += sample to size.first.toLong() / sample * (size.second / sample)
                    return DecodedPicture(bitmapOf(COLOURS, 4), 1)
                }
            }
        val picture = FilePicture(File("x.jpg"))
        for (size in listOf(4000 to 3000, 8000 to 6000, 10_000 to 10_000, 100_000_000 to 1)) {
            pictures.decode(picture, decoder.apply { this.size = size })
        }
        assertEquals(listOf(1, 2, 3, 3), decoded.map { it.first })
        assertTrue(decoded.all { it.second <= pictures.maxPixels })
        val error =
            assertThrows(ImageException::class.java) { pictures.decode(picture, decoder.apply { size = 10_001 to 10_000 }) }
        assertEquals(ErrorCode.IMAGE_TOO_LARGE, error.code)
        assertContains(error.message.orEmpty(), "10001 x 10000 pixels")
    }

    @Test
    fun `a file of 100 megapixels is decoded`() {
        // One bit a pixel: a file of some kilobytes.
        val file = file(javaClass.getResource("/pictures/100_megapixels.png")!!.readBytes())
        for (decoder in decoders) {
            val buffer = pictures.decode(FilePicture(file), decoder)
            assertTrue(buffer.width * buffer.height <= pictures.maxPixels, "$decoder: ${buffer.width} x ${buffer.height}")
        }
    }

    @Test
    fun `a picture that is too large is refused before it is decoded, by either decoder`() {
        val bytes = javaClass.getResource("/pictures/100_megapixels.png")!!.readBytes()
        val wider = widened(bytes, 10_001)
        for (decoder in decoders) assertEquals(ErrorCode.IMAGE_TOO_LARGE, refused(wider, decoder).code, "$decoder")
    }

    @Test
    fun `what is no picture is refused, by either decoder`() {
        for (decoder in decoders) {
            for (bytes in listOf(ByteArray(0), "no picture".repeat(100).toByteArray(), ByteArray(1000) { it.toByte() })) {
                val error = refused(bytes, decoder)
                assertEquals(ErrorCode.IMAGE_DAMAGED, error.code, "$decoder")
                assertEquals(1, error.message?.lines()?.size)
            }
        }
    }

    @Test
    fun `a picture that is cut off is refused since Android 9`() {
        val random = java.util.Random(1)
        val noise = png(bitmapOf(IntArray(100 * 100) { 0xFF000000.toInt() or random.nextInt(1 shl 24) }, 100))
        assertEquals(ErrorCode.IMAGE_DAMAGED, refused(noise.copyOf(noise.size / 2), ImageDecoding).code)
    }

    @Test
    fun `a Uri is read through its provider`() {
        val uri = Uri.parse("content://photos/1")
        val bytes = png(bitmapOf(COLOURS, 4))
        Shadows.shadowOf(context.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(bytes) }
        val picture = UriPicture(context.contentResolver, uri)
        assertContentEquals(COLOURS, upright(pictures.decode(picture, BitmapDecoding)))
    }

    @Test
    fun `what is not there, or may not be read, is unreadable`() {
        val refusing = Uri.parse("content://secrets/1")
        Shadows.shadowOf(context.contentResolver).registerInputStreamSupplier(refusing) { throw SecurityException("Permission Denial") }
        val sources =
            listOf(
                FilePicture(File(folder.root, "none.png")),
                AssetPicture(context.assets, "none.png"),
                UriPicture(context.contentResolver, refusing),
            )
        for (source in sources) {
            for (decoder in decoders) {
                val error = assertThrows(ImageException::class.java) { pictures.decode(source, decoder) }
                assertEquals(ErrorCode.IMAGE_UNREADABLE, error.code, "$source, $decoder")
                assertContains(error.message.orEmpty(), "picture ")
            }
        }
    }

    private fun distance(
        one: Int,
        other: Int,
    ) = maxOf(
        abs(Color.red(one) - Color.red(other)),
        abs(Color.green(one) - Color.green(other)),
        abs(Color.blue(one) - Color.blue(other)),
    )

    /** Another width in the header of a PNG, with the checksum that belongs to it. */
    private fun widened(
        png: ByteArray,
        width: Int,
    ): ByteArray {
        val bytes = java.nio.ByteBuffer.wrap(png.copyOf())
        bytes.putInt(16, width)
        val sum =
            java.util.zip
                .CRC32()
                .apply { update(bytes.array(), 12, 17) }
        return bytes.putInt(29, sum.value.toInt()).array()
    }
}
