package io.github.mvmoe.bundle

import io.github.mvmoe.BundleException
import io.github.mvmoe.ErrorCode
import io.github.mvmoe.json.Fields
import io.github.mvmoe.json.NumberRange

private val SIDE = 1..8192
private val MEAN = NumberRange.closed(-1000.0, 1000.0)
private val STD = NumberRange.closed(1e-6, 1000.0)

/** The fields of `input`, which have to make one way from an image to the input (`preprocessing.invalid`). */
internal fun readInput(fields: Fields): InputSpec {
    val input =
        InputSpec(
            height = fields.int("height", SIDE),
            width = fields.int("width", SIDE),
            channelOrder = fields.find("channel_order")?.let(::readChannelOrder) ?: ChannelOrder.RGB,
            resize = fields.oneOf("resize", listOf("timm", "torchvision", "squash", "border", "letterbox"), default = "timm"),
            cropFraction = fields.number("crop_fraction", NumberRange.above(0.0, 1.0), default = 1.0),
            resizeSize = fields.optional("resize_size") { it.int(SIDE) },
            padLevel = fields.optional("pad_level") { it.int(0..255) },
            padPlace = fields.optional("pad_place") { it.oneOf(listOf("around", "right-bottom")) },
            padRounding = fields.optional("pad_rounding") { it.oneOf(listOf("nearest", "down")) },
            interpolation = fields.oneOf("interpolation", listOf("bicubic", "bilinear", "nearest", "lanczos"), default = "bicubic"),
            mean = fields.numbers("mean", MEAN, default = listOf(0.485, 0.456, 0.406)),
            std = fields.numbers("std", STD, default = listOf(0.229, 0.224, 0.225)),
        )
    requireChannels(input)
    requireFieldsOfRule(input)
    return input
}

private fun requireChannels(input: InputSpec) {
    for ((name, values) in mapOf("mean" to input.mean, "std" to input.std)) {
        require(values.size == input.channelOrder.channels, name) {
            "$name has ${values.size} numbers, and the channel order ${input.channelOrder.id} needs ${input.channelOrder.channels}"
        }
    }
}

/** Each rule has the fields that it reads, and none of the others'. */
private fun requireFieldsOfRule(input: InputSpec) {
    require(input.cropFraction == 1.0 || input.resize in setOf("timm", "squash", "border"), "crop_fraction") {
        "crop_fraction is ${input.cropFraction}, which the rule ${input.resize} does not read; leave it out"
    }
    requireOnlyWith("letterbox", input, "pad_level", input.padLevel)
    requireOnlyWith("letterbox", input, "pad_place", input.padPlace)
    requireOnlyWith("letterbox", input, "pad_rounding", input.padRounding)
    requireOnlyWith("torchvision", input, "resize_size", input.resizeSize)
    val largest = maxOf(input.height, input.width)
    require(input.resizeSize == null || input.resizeSize >= largest, "resize_size") {
        "resize_size ${input.resizeSize} is smaller than the input; expected at least $largest"
    }
}

private fun requireOnlyWith(
    rule: String,
    input: InputSpec,
    name: String,
    value: Any?,
) {
    require(input.resize != rule || value != null, name) { "the rule $rule reads $name, which is not there; give it" }
    require(input.resize == rule || value == null, name) {
        "$name is $value, which the rule ${input.resize} does not read; leave it out"
    }
}

private inline fun require(
    holds: Boolean,
    name: String,
    sentence: () -> String,
) {
    if (!holds) throw BundleException(ErrorCode.PREPROCESSING_INVALID, sentence(), mapOf("name" to name))
}
