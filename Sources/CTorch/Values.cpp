#include "Internal.h"

#include <cstring>

const ptrdiff_t *ct_shape(ct_tensor self, ptrdiff_t *rank) {
    at::IntArrayRef shape = ct::Borrowed(self)->sizes();
    *rank = static_cast<ptrdiff_t>(shape.size());
    return shape.data();
}

ptrdiff_t ct_count(ct_tensor self) { return ct::Borrowed(self)->numel(); }

static void copy_bytes(const at::Tensor &tensor, void *bytes, ptrdiff_t count) {
    TORCH_CHECK(tensor.numel() == count, "a tensor of ", tensor.numel(), " values does not fill room for ", count);
    if (count > 0) {
        std::memcpy(bytes, tensor.data_ptr(), tensor.nbytes());
    }
}

int ct_copy_floats(ct_tensor self, void *bytes, ptrdiff_t count) {
    return ct::doing([&] {
        ct::Borrowed tensor(self);
        copy_bytes(tensor->detach().to(at::kCPU, at::kFloat).contiguous(), bytes, count);
    });
}

int ct_copy_indices(ct_tensor self, ptrdiff_t *values, ptrdiff_t count) {
    return ct::doing([&] {
        ct::Borrowed tensor(self);
        TORCH_CHECK(tensor->scalar_type() == at::kLong, "these are not indices but values of ", tensor->scalar_type());
        copy_bytes(tensor->to(at::kCPU).contiguous(), values, count);
    });
}

int ct_item(ct_tensor self, float *value) {
    return ct::doing([&] { *value = ct::Borrowed(self)->item<float>(); });
}

int ct_is_finite(ct_tensor self, bool *value) {
    return ct::doing([&] { *value = at::isfinite(ct::Borrowed(self)->detach()).all().item<bool>(); });
}
