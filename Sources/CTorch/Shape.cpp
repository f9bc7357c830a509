#include "Internal.h"

#include <c10/util/SmallVector.h>

using ct::Borrowed;
using ct::making;
using ct::sizes;

ct_tensor ct_reshape(ct_tensor self, const ptrdiff_t *shape, ptrdiff_t rank) {
    return making([&] { return Borrowed(self)->reshape(sizes(shape, rank)); });
}

ct_tensor ct_permute(ct_tensor self, const ptrdiff_t *order, ptrdiff_t rank) {
    return making([&] { return Borrowed(self)->permute(sizes(order, rank)); });
}

ct_tensor ct_transpose(ct_tensor self, ptrdiff_t first, ptrdiff_t second) {
    return making([&] { return Borrowed(self)->transpose(first, second); });
}

ct_tensor ct_narrow(ct_tensor self, ptrdiff_t dimension, ptrdiff_t start, ptrdiff_t length) {
    return making([&] { return Borrowed(self)->narrow(dimension, start, length); });
}

ct_tensor ct_expand(ct_tensor self, const ptrdiff_t *shape, ptrdiff_t rank) {
    return making([&] { return Borrowed(self)->expand(sizes(shape, rank)); });
}

ct_tensor ct_repeat_interleave(ct_tensor self, ptrdiff_t count, ptrdiff_t dimension) {
    return making([&] { return Borrowed(self)->repeat_interleave(count, dimension); });
}

ct_tensor ct_contiguous(ct_tensor self) {
    return making([&] { return Borrowed(self)->contiguous(); });
}

ct_tensor ct_concatenate(const ct_tensor *tensors, ptrdiff_t count, ptrdiff_t dimension) {
    return making([&] {
        c10::SmallVector<at::Tensor, 16> parts;
        for (ptrdiff_t index = 0; index < count; index++) {
            parts.push_back(*Borrowed(tensors[index]));
        }
        return at::cat(parts, dimension);
    });
}
