#include "Internal.h"

#include <cstring>

// 16 GiB of float32: beyond what a model for devices can mean, so it is a mistake in a shape.
static constexpr int64_t largest_count = int64_t(1) << 32;

static void check_shape(at::IntArrayRef shape) {
    int64_t count = 1;
    for (int64_t size : shape) {
        TORCH_CHECK(size >= 0, "a tensor cannot have the shape ", shape);
        TORCH_CHECK(
            !__builtin_mul_overflow(count, size, &count) && count <= largest_count,
            "a tensor of the shape ", shape, " has more than ", largest_count, " values");
    }
}

ct_tensor ct_from_floats(const void *bytes, const ptrdiff_t *shape, ptrdiff_t rank) {
    return ct::making([&] {
        check_shape(ct::sizes(shape, rank));
        at::Tensor tensor = at::empty(ct::sizes(shape, rank), at::kFloat);
        if (tensor.numel() > 0) {
            std::memcpy(tensor.data_ptr(), bytes, tensor.nbytes());
        }
        return tensor;
    });
}

ct_tensor ct_from_indices(const ptrdiff_t *values, ptrdiff_t count) {
    return ct::making([&] { return at::tensor(ct::sizes(values, count), at::kLong); });
}

ct_tensor ct_full(const ptrdiff_t *shape, ptrdiff_t rank, float value) {
    return ct::making([&] {
        check_shape(ct::sizes(shape, rank));
        return at::full(ct::sizes(shape, rank), value, at::kFloat);
    });
}

ct_tensor ct_copy(ct_tensor self) {
    return ct::making([&] { return ct::Borrowed(self)->detach().clone(at::MemoryFormat::Contiguous); });
}

void ct_release(ct_tensor self) {
    c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(reinterpret_cast<c10::TensorImpl *>(self));
}
