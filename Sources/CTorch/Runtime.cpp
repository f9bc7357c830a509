#include "CTorch.h"
#include <torch/torch.h>
#include <torch/version.h>

const char *ct_version(void) { return TORCH_VERSION; }
