#include "Internal.h"

using ct::Borrowed;
using ct::making;
using ct::sizes;

ct_tensor ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias) {
    return making([&] { return at::linear(Borrowed(input), Borrowed(weight), *Borrowed(bias)); });
}

ct_tensor ct_convolution_2d(
    ct_tensor input, ct_tensor weight, ct_tensor bias, const ptrdiff_t *stride, const ptrdiff_t *padding) {
    return making([&] {
        return at::conv2d(Borrowed(input), Borrowed(weight), *Borrowed(bias), sizes(stride, 2), sizes(padding, 2));
    });
}

ct_tensor ct_average_pool_2d(ct_tensor input, const ptrdiff_t *kernel, const ptrdiff_t *stride) {
    return making([&] { return at::avg_pool2d(Borrowed(input), sizes(kernel, 2), sizes(stride, 2)); });
}

ct_tensor ct_group_norm(ct_tensor input, ptrdiff_t groups, ct_tensor weight, ct_tensor bias, double epsilon) {
    return making([&] { return at::group_norm(Borrowed(input), groups, *Borrowed(weight), *Borrowed(bias), epsilon); });
}

ct_tensor ct_batch_norm(
    ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor mean, ct_tensor variance, double epsilon) {
    return making([&] {
        return at::batch_norm(
            Borrowed(input), *Borrowed(weight), *Borrowed(bias), *Borrowed(mean), *Borrowed(variance),
            /*training=*/mean == nullptr, /*momentum=*/0, epsilon, /*cudnn_enabled=*/false);
    });
}
