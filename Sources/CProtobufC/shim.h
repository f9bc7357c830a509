#ifndef ECLM_CPROTOBUFC_SHIM_H
#define ECLM_CPROTOBUFC_SHIM_H
#include <protobuf-c/protobuf-c.h>
#endif
