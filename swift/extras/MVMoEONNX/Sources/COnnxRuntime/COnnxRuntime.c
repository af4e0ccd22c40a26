// A target of C needs a source; all there is to say is in the header.
#include "COnnxRuntime.h"
