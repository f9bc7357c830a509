#include "Internal.h"

using ct::Borrowed;
using ct::making;
using ct::sizes;

ct_tensor ct_sum(ct_tensor self) {
    return making([&] { return at::sum(Borrowed(self)); });
}

ct_tensor ct_mean(ct_tensor self) {
    return making([&] { return at::mean(Borrowed(self)); });
}

ct_tensor ct_sum_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep) {
    return making([&] { return at::sum(Borrowed(self), sizes(dimensions, count), keep); });
}

ct_tensor ct_mean_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep) {
    return making([&] { return at::mean(Borrowed(self), sizes(dimensions, count), keep); });
}

ct_tensor ct_variance_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep) {
    return making([&] { return at::var(Borrowed(self), sizes(dimensions, count), /*unbiased=*/false, keep); });
}

ct_tensor ct_maximum(ct_tensor self, ptrdiff_t dimension) {
    return making([&] { return std::get<0>(at::max(Borrowed(self), dimension)); });
}

ct_tensor ct_argmax(ct_tensor self, ptrdiff_t dimension) {
    return making([&] { return at::argmax(Borrowed(self), dimension); });
}
