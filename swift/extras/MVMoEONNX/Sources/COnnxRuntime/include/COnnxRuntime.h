#pragma once
// Where both Debian's libonnxruntime-dev and Microsoft's framework have it.
#include <onnxruntime/onnxruntime_c_api.h>
