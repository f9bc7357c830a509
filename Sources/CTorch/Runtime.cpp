#include "Internal.h"

#include <ATen/Parallel.h>
#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <string>
#include <torch/version.h>

static thread_local std::string last_error;

// libtorch's messages go on with C++ stack frames and a check's source line; the first line is what a person can use.
static void keep_first_line(const char *message) { last_error.assign(message, strcspn(message, "\n")); }

void ct::record_failure() noexcept {
    try {
        try {
            throw;
        } catch (const c10::Error &error) {
            keep_first_line(error.what_without_backtrace());
        } catch (const std::bad_alloc &) {
            keep_first_line("out of memory");
        } catch (const std::exception &error) {
            keep_first_line(error.what());
        } catch (...) {
            keep_first_line("libtorch failed without a message");
        }
    } catch (...) {
        last_error.clear();
    }
}

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_last_error(void) { return last_error.c_str(); }

static std::atomic<int> thread_count{0};
static thread_local int followed_count = 0;

void ct::follow_thread_count() {
    const int count = thread_count.load(std::memory_order_relaxed);
    if (count != followed_count) {
        at::set_num_threads(count);
        followed_count = count;
    }
}

int ct_set_threads(int count) {
    return ct::doing([&] {
        at::set_num_threads(count);
        followed_count = count;
        thread_count.store(count, std::memory_order_relaxed);
        // OpenBLAS with threads of its own, not OpenMP's, is not told by libtorch.
        if (void *symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) {
            reinterpret_cast<void (*)(int)>(symbol)(count);
        }
    });
}
