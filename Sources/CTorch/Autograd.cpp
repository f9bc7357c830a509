#include "Internal.h"

#include <c10/core/GradMode.h>

bool ct_requires_gradient(ct_tensor self) { return ct::Borrowed(self)->requires_grad(); }

int ct_require_gradient(ct_tensor self) {
    return ct::doing([&] { ct::Borrowed(self)->set_requires_grad(true); });
}

int ct_backward(ct_tensor self) {
    return ct::doing([&] { ct::Borrowed(self)->backward(); });
}

int ct_gradient(ct_tensor self, ct_tensor *gradient) {
    *gradient = nullptr;
    return ct::doing([&] {
        const at::Tensor &held = ct::Borrowed(self)->grad();
        if (held.defined()) {
            *gradient = ct::hand_over(held);
        }
    });
}

int ct_clear_gradient(ct_tensor self) {
    return ct::doing([&] { ct::Borrowed(self)->mutable_grad().reset(); });
}

int ct_assign(ct_tensor self, ct_tensor other) {
    return ct::doing([&] {
        ct::Borrowed target(self), source(other);
        // copy_ would broadcast.
        TORCH_CHECK(
            target->sizes() == source->sizes(), "values of the shape ", source->sizes(),
            " cannot be assigned to a tensor of the shape ", target->sizes());
        c10::NoGradGuard unrecorded;
        target->copy_(*source);
    });
}

bool ct_set_gradient_recording(bool enabled) {
    bool before = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled);
    return before;
}
