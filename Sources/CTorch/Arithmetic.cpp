#include "Internal.h"

using ct::Borrowed;
using ct::making;

ct_tensor ct_add(ct_tensor left, ct_tensor right) {
    return making([&] { return at::add(Borrowed(left), Borrowed(right)); });
}

ct_tensor ct_subtract(ct_tensor left, ct_tensor right) {
    return making([&] { return at::sub(Borrowed(left), Borrowed(right)); });
}

ct_tensor ct_multiply(ct_tensor left, ct_tensor right) {
    return making([&] { return at::mul(Borrowed(left), Borrowed(right)); });
}

ct_tensor ct_divide(ct_tensor left, ct_tensor right) {
    return making([&] { return at::div(Borrowed(left), Borrowed(right)); });
}

ct_tensor ct_add_scalar(ct_tensor left, float right) {
    return making([&] { return at::add(Borrowed(left), at::Scalar(right)); });
}

ct_tensor ct_multiply_scalar(ct_tensor left, float right) {
    return making([&] { return at::mul(Borrowed(left), at::Scalar(right)); });
}

ct_tensor ct_divide_scalar(ct_tensor left, float right) {
    return making([&] { return at::div(Borrowed(left), at::Scalar(right)); });
}

ct_tensor ct_subtract_from_scalar(float left, ct_tensor right) {
    return making([&] { return at::rsub(Borrowed(right), at::Scalar(left)); });
}

ct_tensor ct_divide_scalar_by(float left, ct_tensor right) {
    return making([&] { return at::mul(at::reciprocal(Borrowed(right)), at::Scalar(left)); });
}

ct_tensor ct_negative(ct_tensor self) {
    return making([&] { return at::neg(Borrowed(self)); });
}

ct_tensor ct_square(ct_tensor self) {
    return making([&] { return at::square(Borrowed(self)); });
}

ct_tensor ct_square_root(ct_tensor self) {
    return making([&] { return at::sqrt(Borrowed(self)); });
}

ct_tensor ct_exponential(ct_tensor self) {
    return making([&] { return at::exp(Borrowed(self)); });
}

