#define _GNU_SOURCE
#include "CAggregation.h"

#include <sys/mman.h>

enum { large_page = 2 << 20 };

void eclm_prefer_large_pages(void *start, size_t bytes) {
#ifdef MADV_HUGEPAGE
    uintptr_t first = ((uintptr_t)start + large_page - 1) / large_page * large_page;
    uintptr_t end = ((uintptr_t)start + bytes) / large_page * large_page;
    if (first < end) madvise((void *)first, end - first, MADV_HUGEPAGE);
#else
    (void)start, (void)bytes;
#endif
}
