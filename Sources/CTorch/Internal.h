// What every file here shares: handles as borrowed tensors, and exceptions as messages.
#pragma once
#include "CTorch.h"

#include <ATen/ATen.h>
#include <type_traits>

static_assert(std::is_same_v<ptrdiff_t, int64_t>, "sizes pass through as they are only where ptrdiff_t is int64_t");

namespace ct {

/// Keeps the message of the exception being handled for ct_last_error().
void record_failure() noexcept;

/// A handle is a TensorImpl pointer that owns one reference, so that it costs no memory of its own.
inline ct_tensor hand_over(at::Tensor tensor) {
    return reinterpret_cast<ct_tensor>(tensor.unsafeReleaseTensorImpl());
}

/// The tensor behind a handle, without touching its reference count. NULL is the undefined tensor, libtorch's "none".
class Borrowed {
public:
    explicit Borrowed(ct_tensor handle)
        : tensor(handle ? at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(
                              reinterpret_cast<c10::TensorImpl *>(handle)))
                        : at::Tensor()) {}
    ~Borrowed() { tensor.unsafeReleaseTensorImpl(); }
    Borrowed(const Borrowed &) = delete;
    Borrowed &operator=(const Borrowed &) = delete;

    operator const at::Tensor &() const { return tensor; }
    const at::Tensor &operator*() const { return tensor; }
    const at::Tensor *operator->() const { return &tensor; }

private:
    at::Tensor tensor;
};

inline at::IntArrayRef sizes(const ptrdiff_t *values, ptrdiff_t count) {
    return at::IntArrayRef(values, static_cast<size_t>(count));
}

/// Makes the calling thread use as many threads as ct_set_threads() said: libtorch's own number is each thread's, and a
/// thread that has computed once does not hear of a later one.
void follow_thread_count();

/// Runs an operation that makes a tensor.
template <class Body> ct_tensor making(Body body) noexcept {
    try {
        follow_thread_count();
        return hand_over(body());
    } catch (...) {
        record_failure();
        return nullptr;
    }
}

/// Runs an operation that changes or reads one.
template <class Body> int doing(Body body) noexcept {
    try {
        follow_thread_count();
        body();
        return 0;
    } catch (...) {
        record_failure();
        return -1;
    }
}

} // namespace ct
