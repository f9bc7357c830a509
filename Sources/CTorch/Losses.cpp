#include "Internal.h"

#include <limits>

// libtorch skips rows labelled -100 unless told otherwise; here such a label is out of bounds like any other.
static constexpr int64_t no_ignored_label = std::numeric_limits<int64_t>::min();

ct_tensor ct_cross_entropy(ct_tensor scores, ct_tensor labels) {
    return ct::making([&] {
        return at::cross_entropy_loss(
            ct::Borrowed(scores), ct::Borrowed(labels), /*weight=*/{}, at::Reduction::Mean, no_ignored_label);
    });
}
