#include "Internal.h"

#include <algorithm>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace {

// libtorch 1 reports totals as int64_t, libtorch 2 as size_t.
template <class T>
T total_type(void (c10::MemoryReportingInfoBase::*report)(void *, int64_t, T, T, c10::Device));
using Total = decltype(total_type(&c10::MemoryReportingInfoBase::reportMemoryUsage));

/// Counts what libtorch's allocators report of blocks made during the measurement. Releases of others count for nothing:
/// libtorch's table of sizes keeps addresses that were released unobserved, and would report them with an old size.
/// Locked, since libtorch hands its thread's debug information on to threads that work for it.
struct MemoryCount final : c10::MemoryReportingInfoBase {
    /// The measurement around this one, which must see the same reports.
    c10::MemoryReportingInfoBase *outer = dynamic_cast<c10::MemoryReportingInfoBase *>(
        c10::ThreadLocalDebugInfo::get(c10::DebugInfoKind::PROFILER_STATE));
    std::mutex lock;
    std::unordered_map<void *, int64_t> blocks;
    int64_t current = 0;
    int64_t peak = 0;

    void reportMemoryUsage(void *block, int64_t size, Total allocated, Total reserved, c10::Device device) override {
        count(block, size);
        if (outer && outer->memoryProfilingEnabled()) {
            outer->reportMemoryUsage(block, size, allocated, reserved, device);
        }
    }
    bool memoryProfilingEnabled() const override { return true; }

    void count(void *block, int64_t size) {
        std::lock_guard<std::mutex> guard(lock);
        auto known = blocks.find(block);
        if (known != blocks.end()) {
            current -= known->second;
            blocks.erase(known);
        }
        if (size > 0) {
            blocks.emplace(block, size);
            current += size;
            peak = std::max(peak, current);
        }
    }
};

} // namespace

struct ct_memory_impl {
    std::shared_ptr<MemoryCount> count = std::make_shared<MemoryCount>();
    c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, count};
};

ct_memory ct_begin_memory(void) {
    try {
        return new ct_memory_impl;
    } catch (...) {
        ct::record_failure();
        return nullptr;
    }
}

ptrdiff_t ct_end_memory(ct_memory memory) {
    ptrdiff_t peak = memory->count->peak;
    delete memory;
    return peak;
}
