#include "Internal.h"

using ct::Borrowed;
using ct::making;
using ct::sizes;

ct_tensor ct_reshape(ct_tensor self, const ptrdiff_t *shape, ptrdiff_t rank) {
    return making([&] { return Borrowed(self)->reshape(sizes(shape, rank)); });
}

ct_tensor ct_transpose(ct_tensor self, ptrdiff_t first, ptrdiff_t second) {
    return making([&] { return Borrowed(self)->transpose(first, second); });
}

ct_tensor ct_narrow(ct_tensor self, ptrdiff_t dimension, ptrdiff_t start, ptrdiff_t length) {
    return making([&] { return Borrowed(self)->narrow(dimension, start, length); });
}

ct_tensor ct_repeat_interleave(ct_tensor self, ptrdiff_t count, ptrdiff_t dimension) {
    return making([&] { return Borrowed(self)->repeat_interleave(count, dimension); });
}

ct_tensor ct_contiguous(ct_tensor self) {
    return making([&] { return Borrowed(self)->contiguous(); });
}

