package io.github.mvmoe.android.phone

import android.content.Context
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.system.Os
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.MvmoeException
import io.github.mvmoe.Residency
import io.github.mvmoe.android.AndroidDispatchers
import io.github.mvmoe.android.BundleInstaller
import io.github.mvmoe.android.BundleSource
import io.github.mvmoe.android.Pictures
import io.github.mvmoe.android.Telemetry
import io.github.mvmoe.android.ThermalState
import io.github.mvmoe.android.toPixelBuffer
import io.github.mvmoe.engine.Engine
import io.github.mvmoe.executorch.ExecuTorchEngine
import io.github.mvmoe.onnx.ExecutionProvider
import io.github.mvmoe.onnx.OnnxEngine
import io.github.mvmoe.preprocessing.PixelBuffer
import java.io.File

/**
 * What no JVM can say of a phone: its engines, file system, graphics and decoders. One line each; `make kotlin-phone` runs it.
 *
 * @param folder where it may write.
 */
internal class PhoneCheck(
    private val context: Context,
    private val folder: File,
    private val print: (String) -> Unit,
) {
    private var failures = 0

    /** Whether all is well. */
    fun run(bundles: List<File>): Boolean {
        line("environment") { environment() }
        line("bitmaps") { bitmaps() }
        line("pictures") { pictures() }
        line("thermal state") { ThermalState(context).run { "$status, headroom ${headroom(0)}" } }
        for (bundle in bundles) {
            line("installation of ${bundle.name}") { installed(bundle).path }
            for ((name, engine) in engines()) line("${bundle.name} on $name") { answers(bundle, engine) }
        }
        return failures == 0
    }

    private fun engines(): Map<String, Engine> =
        mapOf(
            "ONNX Runtime, CPU" to OnnxEngine(threads = 2),
            "ONNX Runtime, XNNPACK" to OnnxEngine(threads = 2, provider = ExecutionProvider.Xnnpack),
            "ONNX Runtime, NNAPI" to OnnxEngine(threads = 2, provider = ExecutionProvider.Nnapi()),
            "ExecuTorch" to ExecuTorchEngine(threads = 2),
        )

    /** Twice: an accelerator may be wrong from its second inference on. */
    private fun answers(
        bundle: File,
        engine: Engine,
    ): String =
        try {
            AndroidDispatchers.open(context, bundle, engine, Residency(maxExperts = 1)).use { dispatcher ->
                dispatcher.check().requireOk()
                dispatcher.trim()
                "${dispatcher.engine}: ${dispatcher.check().also { it.requireOk() }}"
            }
        } catch (error: MvmoeException) {
            if (error.code == ErrorCode.BUNDLE_NO_TARGET) "left out: ${error.message}" else throw error
        }

    private fun installed(bundle: File): File {
        val source =
            object : BundleSource {
                override fun open(path: String) = File(bundle, path).takeIf { it.isFile }?.inputStream()

                override fun toString() = "the bundle $bundle"
            }
        val installer = BundleInstaller(context, File(folder, "installed"))
        return installer.install(source, bundle.name).also { check(installer.install(source, bundle.name) == it) }
    }

    private fun environment(): String {
        Os.setenv(Telemetry.VARIABLE, "0", true)
        Telemetry.disable()
        check(Os.getenv(Telemetry.VARIABLE) == "1") { "${Telemetry.VARIABLE} is ${Os.getenv(Telemetry.VARIABLE)}" }
        return "${Telemetry.VARIABLE} is 1"
    }

    private fun bitmaps(): String {
        val bitmap = Bitmap.createBitmap(COLOURS, 2, 2, Bitmap.Config.ARGB_8888)
        requireColours(bitmap.toPixelBuffer())
        val onCard = bitmap.copy(Bitmap.Config.HARDWARE, false) ?: return "right; this system has no HARDWARE bitmaps here"
        requireColours(onCard.toPixelBuffer())
        return "right, HARDWARE too"
    }

    private fun pictures(): String {
        val file = File(folder, "picture.png")
        file.outputStream().use {
            Bitmap.createBitmap(COLOURS, 2, 2, Bitmap.Config.ARGB_8888).compress(Bitmap.CompressFormat.PNG, 100, it)
        }
        checkNotNull(BitmapFactory.decodeFile(file.path))
        requireColours(Pictures(context).decode(file))
        return "right"
    }

    private fun requireColours(pixels: PixelBuffer) {
        val plane = pixels.planes.single()
        for ((place, colour) in COLOURS.withIndex()) {
            val at = place / 2 * plane.rowStride + place % 2 * plane.pixelStride
            val found = List(3) { plane.bytes.get(at + it).toInt() and 0xFF }
            check(found == listOf(colour, colour shr 8, colour shr 16).map { it and 0xFF }) { "pixel $place is $found" }
        }
    }

    private fun line(
        what: String,
        look: () -> String,
    ) {
        val found =
            try {
                "ok      $what: ${look()}"
            } catch (failure: Exception) {
                failures++
                "FAILED  $what: ${failure.message ?: failure}"
            }
        print(found)
    }

    private companion object {
        val COLOURS = intArrayOf(0xFF0A141E.toInt(), 0xFFFA0001.toInt(), 0xFF00FF00.toInt(), 0xFF123456.toInt())
    }
}
