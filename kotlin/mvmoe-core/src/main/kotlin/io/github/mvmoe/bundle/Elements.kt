package io.github.mvmoe.bundle

/** The elements of a tensor; [Long.MAX_VALUE] where there are more than a `Long` can count. */
internal fun elementsOf(shape: List<Int>): Long = shape.fold(1L) { product, size -> saturatedProduct(product, size.toLong()) }

/** The bytes of a tensor, saturated as [elementsOf]. */
internal fun bytesOf(
    shape: List<Int>,
    dtype: DType,
): Long = saturatedProduct(elementsOf(shape), dtype.bytes.toLong())

/** The product of two numbers of which none is below zero. */
internal fun saturatedProduct(
    one: Long,
    other: Long,
): Long = if (other != 0L && one > Long.MAX_VALUE / other) Long.MAX_VALUE else one * other
