// libtorch as plain C: tensors behind an opaque handle, one function an operation.
//
// Every function that returns a ct_tensor returns a new handle, which ct_release gives back, or NULL; every other one
// returns 0, or -1 when it failed. After NULL or -1, ct_last_error() tells why, for the calling thread. No C++
// exception leaves these functions. Numbers are float32 and indices int64; sizes, dimensions and indices are ptrdiff_t,
// which is int64_t on the 64-bit systems that libtorch runs on, and Int in Swift.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A reference to a tensor.
typedef struct ct_tensor_impl *ct_tensor;

// Runtime
/// The version of libtorch.
const char *ct_version(void);
/// The first line of the last failure's message on this thread.
const char *ct_last_error(void);
/// How many threads one operation may use, those of the BLAS library included.
int ct_set_threads(int count);

// Creation
ct_tensor ct_from_floats(const void *bytes, const ptrdiff_t *shape, ptrdiff_t rank);
ct_tensor ct_from_indices(const ptrdiff_t *values, ptrdiff_t count);
ct_tensor ct_full(const ptrdiff_t *shape, ptrdiff_t rank, float value);
ct_tensor ct_copy(ct_tensor self);
void ct_release(ct_tensor self);

// Values
/// The sizes, which live as long as the tensor's shape is not changed; rank receives how many there are.
const ptrdiff_t *ct_shape(ct_tensor self, ptrdiff_t *rank);
ptrdiff_t ct_count(ct_tensor self);
/// Copies all values, row by row, as float32; count must be the tensor's.
int ct_copy_floats(ct_tensor self, void *bytes, ptrdiff_t count);
/// The same for a tensor of int64; another type is a failure.
int ct_copy_indices(ct_tensor self, ptrdiff_t *values, ptrdiff_t count);
int ct_item(ct_tensor self, float *value);
int ct_is_finite(ct_tensor self, bool *value);

// Shape
ct_tensor ct_reshape(ct_tensor self, const ptrdiff_t *shape, ptrdiff_t rank);
ct_tensor ct_transpose(ct_tensor self, ptrdiff_t first, ptrdiff_t second);
ct_tensor ct_narrow(ct_tensor self, ptrdiff_t dimension, ptrdiff_t start, ptrdiff_t length);
ct_tensor ct_repeat_interleave(ct_tensor self, ptrdiff_t count, ptrdiff_t dimension);
ct_tensor ct_contiguous(ct_tensor self);

// Selection
ct_tensor ct_select_indices(ct_tensor self, ptrdiff_t dimension, const ptrdiff_t *indices, ptrdiff_t count);
ct_tensor ct_gather(ct_tensor self, ptrdiff_t dimension, ct_tensor indices);
/// Keeps the values where mask is not zero, and puts the constant where it is.
ct_tensor ct_where_mask(ct_tensor self, ct_tensor mask, float otherwise);
/// The indices of the k largest values along the last dimension, largest first, equal ones by lowest index.
ct_tensor ct_top_indices(ct_tensor self, ptrdiff_t k);
/// 1 at those k and 0 elsewhere.
ct_tensor ct_top_mask(ct_tensor self, ptrdiff_t k);

// Arithmetic
ct_tensor ct_add(ct_tensor left, ct_tensor right);
ct_tensor ct_subtract(ct_tensor left, ct_tensor right);
ct_tensor ct_multiply(ct_tensor left, ct_tensor right);
ct_tensor ct_divide(ct_tensor left, ct_tensor right);
ct_tensor ct_add_scalar(ct_tensor left, float right);
ct_tensor ct_multiply_scalar(ct_tensor left, float right);
ct_tensor ct_divide_scalar(ct_tensor left, float right);
ct_tensor ct_subtract_from_scalar(float left, ct_tensor right);
ct_tensor ct_divide_scalar_by(float left, ct_tensor right);
ct_tensor ct_negative(ct_tensor self);
ct_tensor ct_square(ct_tensor self);
ct_tensor ct_square_root(ct_tensor self);
ct_tensor ct_exponential(ct_tensor self);

// Activations
ct_tensor ct_relu(ct_tensor self);
int ct_relu_in_place(ct_tensor self);
ct_tensor ct_gelu(ct_tensor self);
ct_tensor ct_tanh(ct_tensor self);
ct_tensor ct_softplus(ct_tensor self);
ct_tensor ct_softmax(ct_tensor self, ptrdiff_t dimension);
ct_tensor ct_log_softmax(ct_tensor self, ptrdiff_t dimension);
ct_tensor ct_standard_normal_cdf(ct_tensor self);

// Linear algebra and layers; a NULL bias, weight, mean or variance is none. stride, padding and kernel hold two numbers.
ct_tensor ct_linear(ct_tensor input, ct_tensor weight, ct_tensor bias);
ct_tensor ct_convolution_2d(
    ct_tensor input, ct_tensor weight, ct_tensor bias, const ptrdiff_t *stride, const ptrdiff_t *padding);
ct_tensor ct_average_pool_2d(ct_tensor input, const ptrdiff_t *kernel, const ptrdiff_t *stride);
ct_tensor ct_group_norm(ct_tensor input, ptrdiff_t groups, ct_tensor weight, ct_tensor bias, double epsilon);
ct_tensor ct_batch_norm(
    ct_tensor input, ct_tensor weight, ct_tensor bias, ct_tensor mean, ct_tensor variance, double epsilon);

// Reductions
ct_tensor ct_sum(ct_tensor self);
ct_tensor ct_mean(ct_tensor self);
ct_tensor ct_sum_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep);
ct_tensor ct_mean_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep);
/// Divided by the number of values, not by one less.
ct_tensor ct_variance_over(ct_tensor self, const ptrdiff_t *dimensions, ptrdiff_t count, bool keep);
ct_tensor ct_maximum(ct_tensor self, ptrdiff_t dimension);
ct_tensor ct_argmax(ct_tensor self, ptrdiff_t dimension);

// Losses
/// The mean over the rows of scores; every label must be a column.
ct_tensor ct_cross_entropy(ct_tensor scores, ct_tensor labels);

// Autograd
bool ct_requires_gradient(ct_tensor self);
int ct_require_gradient(ct_tensor self);
int ct_backward(ct_tensor self);
/// NULL in gradient, and no failure, where none was accumulated.
int ct_gradient(ct_tensor self, ct_tensor *gradient);
int ct_clear_gradient(ct_tensor self);
int ct_assign(ct_tensor self, ct_tensor other);
/// Whether operations on this thread are recorded; returns what held before.
bool ct_set_gradient_recording(bool enabled);

// Optimisation steps: in place, unrecorded, over float32 tensors of one shape that are contiguous in memory on the CPU.
int ct_sgd_step(
    ct_tensor parameter, ct_tensor gradient, ct_tensor momentum_buffer, float rate, float momentum, float weight_decay);
int ct_adam_step(
    ct_tensor parameter, ct_tensor gradient, ct_tensor first, ct_tensor second, ptrdiff_t step, double rate, double beta1,
    double beta2, double epsilon, double weight_decay);

// Memory
/// Measures the tensor memory that this thread allocates, until ct_end_memory.
typedef struct ct_memory_impl *ct_memory;
ct_memory ct_begin_memory(void);
/// Ends the measurement begun last on this thread, and returns the most bytes held at once.
ptrdiff_t ct_end_memory(ct_memory memory);

#ifdef __cplusplus
}
#endif
