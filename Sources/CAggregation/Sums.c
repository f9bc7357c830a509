#include "Loops.h"

// Eight rows at once: the sums are read and written once for all of them, and the memory has several streams to fetch.
#define SUM_LOOPS(TYPE, VALUE)                                                                                         \
    EACH_INSTRUCTION_SET                                                                                               \
    static void add_eight_##TYPE(                                                                                      \
        const void *const *rows, const double *weights, size_t count, double *restrict sums) {                         \
        const void *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];                                             \
        const void *e = rows[4], *f = rows[5], *g = rows[6], *h = rows[7];                                             \
        double wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];                                     \
        double we = weights[4], wf = weights[5], wg = weights[6], wh = weights[7];                                     \
        for (size_t i = 0; i < count; i++) {                                                                           \
            double sum = sums[i];                                                                                      \
            sum += wa * (double)VALUE(a, i);                                                                           \
            sum += wb * (double)VALUE(b, i);                                                                           \
            sum += wc * (double)VALUE(c, i);                                                                           \
            sum += wd * (double)VALUE(d, i);                                                                           \
            sum += we * (double)VALUE(e, i);                                                                           \
            sum += wf * (double)VALUE(f, i);                                                                           \
            sum += wg * (double)VALUE(g, i);                                                                           \
            sum += wh * (double)VALUE(h, i);                                                                           \
            sums[i] = sum;                                                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    EACH_INSTRUCTION_SET                                                                                               \
    static void add_one_##TYPE(const void *row, double weight, size_t count, double *restrict sums) {                  \
        for (size_t i = 0; i < count; i++) sums[i] += weight * (double)VALUE(row, i);                                  \
    }                                                                                                                  \
    EACH_INSTRUCTION_SET                                                                                               \
    static void add_difference_##TYPE(const void *row, double weight, size_t count, double *restrict sums) {           \
        for (size_t i = 0; i < count; i++) {                                                                           \
            double value = (double)VALUE(row, i);                                                                      \
            sums[i] += weight * (value == 0 ? -0.0 : value);                                                           \
        }                                                                                                              \
    }                                                                                                                  \
    static void add_rows_##TYPE(                                                                                       \
        const void *const *rows, const double *weights, size_t row_count, size_t count, double *sums) {                \
        size_t row = 0;                                                                                                \
        for (; row + 8 <= row_count; row += 8) add_eight_##TYPE(rows + row, weights + row, count, sums);               \
        for (; row < row_count; row++) add_one_##TYPE(rows[row], weights[row], count, sums);                           \
    }

SUM_LOOPS(f64, VALUE_F64)
SUM_LOOPS(f32, VALUE_F32)
SUM_LOOPS(f16, VALUE_F16)
SUM_LOOPS(bf16, VALUE_BF16)

void eclm_add_rows(
    enum eclm_type type, const void *const *rows, const double *weights, size_t row_count, size_t count, double *sums) {
    switch (type) {
    case eclm_f64: add_rows_f64(rows, weights, row_count, count, sums); break;
    case eclm_f32: add_rows_f32(rows, weights, row_count, count, sums); break;
    case eclm_f16: add_rows_f16(rows, weights, row_count, count, sums); break;
    case eclm_bf16: add_rows_bf16(rows, weights, row_count, count, sums); break;
    }
}

void eclm_add_difference(enum eclm_type type, const void *row, double weight, size_t count, double *sums) {
    switch (type) {
    case eclm_f64: add_difference_f64(row, weight, count, sums); break;
    case eclm_f32: add_difference_f32(row, weight, count, sums); break;
    case eclm_f16: add_difference_f16(row, weight, count, sums); break;
    case eclm_bf16: add_difference_bf16(row, weight, count, sums); break;
    }
}

EACH_INSTRUCTION_SET
void eclm_add_codes(const int8_t *codes, double scale, double weight, size_t count, double *restrict sums) {
    for (size_t i = 0; i < count; i++) {
        double value = scale * (double)codes[i];
        sums[i] += weight * (value == 0 ? -0.0 : value);
    }
}

EACH_INSTRUCTION_SET
void eclm_round_to_f32(const double *values, size_t count, void *rounded) {
    const double largest = 0x1.fffffep127;
    any_float *restrict target = rounded;
    for (size_t i = 0; i < count; i++) {
        double value = values[i];
        target[i] = (float)(value > largest ? largest : value < -largest ? -largest : value);
    }
}
