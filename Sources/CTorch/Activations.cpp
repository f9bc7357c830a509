#include "Internal.h"

using ct::Borrowed;
using ct::making;

ct_tensor ct_relu(ct_tensor self) {
    return making([&] { return at::relu(Borrowed(self)); });
}

ct_tensor ct_gelu(ct_tensor self) {
    return making([&] { return at::gelu(Borrowed(self)); });
}

ct_tensor ct_tanh(ct_tensor self) {
    return making([&] { return at::tanh(Borrowed(self)); });
}

ct_tensor ct_softplus(ct_tensor self) {
    return making([&] { return at::softplus(Borrowed(self)); });
}

int ct_relu_in_place(ct_tensor self) {
    return ct::doing([&] {
        at::Tensor tensor = *Borrowed(self);
        at::relu_(tensor);
    });
}

ct_tensor ct_softmax(ct_tensor self, ptrdiff_t dimension) {
    return making([&] { return at::softmax(Borrowed(self), dimension); });
}

ct_tensor ct_log_softmax(ct_tensor self, ptrdiff_t dimension) {
    return making([&] { return at::log_softmax(Borrowed(self), dimension); });
}

// By erfc, which keeps its digits far below zero, where 1 + erf has none left.
ct_tensor ct_standard_normal_cdf(ct_tensor self) {
    return making([&] { return at::erfc(at::mul(Borrowed(self), -0.70710678118654752440)).mul(0.5); });
}
