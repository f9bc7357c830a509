#ifndef ECLM_CLIBPQ_SHIM_H
#define ECLM_CLIBPQ_SHIM_H
#include <libpq-fe.h>
/* libpq leaves watching its sockets to the caller; Swift's Glibc module lacks this header. */
#include <sys/epoll.h>
#endif
