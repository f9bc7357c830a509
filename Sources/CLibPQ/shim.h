#ifndef ECLM_CLIBPQ_SHIM_H
#define ECLM_CLIBPQ_SHIM_H
#include <libpq-fe.h>
#endif
