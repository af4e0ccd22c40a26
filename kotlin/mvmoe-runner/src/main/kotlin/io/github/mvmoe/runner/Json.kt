package io.github.mvmoe.runner

import com.fasterxml.jackson.databind.ObjectMapper

/** Writes lines of JSON; floats have as many digits as tell them apart. */
internal val JSON = ObjectMapper()
