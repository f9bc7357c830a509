#include "Internal.h"

using ct::Borrowed;
using ct::making;

ct_tensor ct_select_indices(ct_tensor self, ptrdiff_t dimension, const ptrdiff_t *indices, ptrdiff_t count) {
    return making([&] {
        Borrowed tensor(self);
        return tensor->index_select(dimension, at::tensor(ct::sizes(indices, count), at::kLong).to(tensor->device()));
    });
}

ct_tensor ct_gather(ct_tensor self, ptrdiff_t dimension, ct_tensor indices) {
    return making([&] { return Borrowed(self)->gather(dimension, Borrowed(indices)); });
}

ct_tensor ct_where_mask(ct_tensor self, ct_tensor mask, float otherwise) {
    return making([&] { return Borrowed(self)->masked_fill(Borrowed(mask)->eq(0), otherwise); });
}

// topk leaves the order of equal values open; a stable sort does not.
static at::Tensor top_indices(const at::Tensor &tensor, int64_t k) {
    return std::get<1>(tensor.detach().sort(/*stable=*/true, /*dim=*/-1, /*descending=*/true)).narrow(-1, 0, k);
}

ct_tensor ct_top_indices(ct_tensor self, ptrdiff_t k) {
    return making([&] { return top_indices(Borrowed(self), k).contiguous(); });
}

ct_tensor ct_top_mask(ct_tensor self, ptrdiff_t k) {
    return making([&] {
        Borrowed tensor(self);
        return at::zeros(tensor->sizes(), tensor->options()).scatter_(-1, top_indices(tensor, k), 1);
    });
}
