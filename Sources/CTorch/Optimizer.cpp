#include "Internal.h"

#include <cmath>

// One pass over memory and no dispatch: a network of many small modules spends its time elsewhere.

/// The values of a tensor that a step changes. Recorded operations that saved them will refuse to run backward.
static float *values(const at::Tensor &tensor, const at::Tensor &parameter, const char *name) {
    TORCH_CHECK(
        tensor.sizes() == parameter.sizes(), "the ", name, " has the shape ", tensor.sizes(), ", the parameter ",
        parameter.sizes());
    TORCH_CHECK(
        tensor.scalar_type() == at::kFloat && tensor.is_cpu() && tensor.is_contiguous(), "the ", name,
        " of an optimisation step must be contiguous float32 on the CPU");
    tensor.unsafeGetTensorImpl()->bump_version();
    return tensor.data_ptr<float>();
}

/// A gradient may come as a view of any strides.
static at::Tensor dense(const at::Tensor &gradient, const at::Tensor &parameter) {
    TORCH_CHECK(
        gradient.sizes() == parameter.sizes() && gradient.scalar_type() == at::kFloat && gradient.is_cpu(),
        "the gradient has the shape ", gradient.sizes(), ", the parameter ", parameter.sizes(),
        "; both must be float32 on the CPU");
    return gradient.detach().contiguous();
}

int ct_sgd_step(
    ct_tensor parameter, ct_tensor gradient, ct_tensor momentum_buffer, float rate, float momentum, float weight_decay) {
    return ct::doing([&] {
        ct::Borrowed target(parameter), buffer(momentum_buffer);
        at::Tensor direction = dense(ct::Borrowed(gradient), target);
        float *velocity = momentum_buffer ? values(buffer, target, "momentum buffer") : nullptr;
        float *weight = values(target, target, "parameter");
        const float *slope = direction.data_ptr<float>();
        const int64_t count = target->numel();
        if (velocity) {
            for (int64_t i = 0; i < count; i++) {
                velocity[i] = momentum * velocity[i] + (slope[i] + weight_decay * weight[i]);
                weight[i] -= rate * velocity[i];
            }
        } else {
            for (int64_t i = 0; i < count; i++) {
                weight[i] -= rate * (slope[i] + weight_decay * weight[i]);
            }
        }
    });
}

int ct_adam_step(
    ct_tensor parameter, ct_tensor gradient, ct_tensor first, ct_tensor second, ptrdiff_t step, double rate, double beta1,
    double beta2, double epsilon, double weight_decay) {
    return ct::doing([&] {
        ct::Borrowed target(parameter), mean_tensor(first), square_tensor(second);
        at::Tensor direction = dense(ct::Borrowed(gradient), target);
        float *mean = values(mean_tensor, target, "first moment");
        float *square = values(square_tensor, target, "second moment");
        float *weight = values(target, target, "parameter");
        const float *slope = direction.data_ptr<float>();
        const int64_t count = target->numel();
        // The bias corrections are folded into the rate and the root's scale, in double as libtorch has them.
        const float size = float(rate / (1 - std::pow(beta1, double(step))));
        const float root_scale = float(1 / std::sqrt(1 - std::pow(beta2, double(step))));
        const float keep = float(1 - rate * weight_decay), small = float(epsilon);
        const float b1 = float(beta1), b2 = float(beta2), a1 = float(1 - beta1), a2 = float(1 - beta2);
        for (int64_t i = 0; i < count; i++) {
            mean[i] = b1 * mean[i] + a1 * slope[i];
            square[i] = b2 * square[i] + a2 * slope[i] * slope[i];
            weight[i] = keep * weight[i] - size * mean[i] / (std::sqrt(square[i]) * root_scale + small);
        }
    });
}
