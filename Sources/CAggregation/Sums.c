#include "Loops.h"

// Asks for what is summed some steps later: the processor follows several streams only in part.
enum { stretch = 16, ahead = 64 };
#define AHEAD(row, i, VALUE) __builtin_prefetch(&VALUE##_AT(row, (i) + ahead))

#define ADD_FOUR(VALUE, i)                                                                                             \
    do {                                                                                                               \
        double sum = sums[i];                                                                                          \
        sum += wa * (double)VALUE(a, i);                                                                               \
        sum += wb * (double)VALUE(b, i);                                                                               \
        sum += wc * (double)VALUE(c, i);                                                                               \
        sum += wd * (double)VALUE(d, i);                                                                               \
        sums[i] = sum;                                                                                                 \
    } while (0)

// Four rows at once: the sums are read and written once for all of them, and the memory has several streams to fetch. With
// more it falls behind.
#define SUM_LOOPS(TYPE, VALUE)                                                                                         \
    EACH_INSTRUCTION_SET                                                                                               \
    static void add_four_##TYPE(                                                                                       \
        const void *const *rows, const double *weights, size_t count, double *restrict sums) {                         \
        const void *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];                                             \
        double wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];                                     \
        size_t i = 0;                                                                                                  \
        for (; i + stretch <= count; i += stretch) {                                                                   \
            AHEAD(a, i, VALUE), AHEAD(b, i, VALUE), AHEAD(c, i, VALUE), AHEAD(d, i, VALUE);                            \
            for (size_t j = i; j < i + stretch; j++) ADD_FOUR(VALUE, j);                                               \
        }                                                                                                              \
        for (; i < count; i++) ADD_FOUR(VALUE, i);                                                                     \
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
        for (; row + 4 <= row_count; row += 4) add_four_##TYPE(rows + row, weights + row, count, sums);                \
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
