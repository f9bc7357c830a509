// Everything that proto/ compiles to; written by make proto.
#include "baidu_rpc_meta.pb-c.h"
#include "blobs.pb-c.h"
#include "common.pb-c.h"
#include "composition.pb-c.h"
#include "devices.pb-c.h"
#include "health.pb-c.h"
#include "models.pb-c.h"
#include "releases.pb-c.h"
