#include "Loops.h"

enum { lanes = eclm_sorted_lanes };

// A mean that came out as 0, with the sign that a sort gives it that keeps the order of equal values: -0 where all that
// are kept are -0. Where other values are among the kept, the sign is right already.
#define SIGN_OF_ZERO(TYPE, VALUE)                                                                                      \
    static double zero_##TYPE(                                                                                         \
        const void *const *rows, size_t row_count, size_t cut, size_t column, double mean) {                           \
        size_t below = 0, zeros = 0;                                                                                   \
        for (size_t row = 0; row < row_count; row++) {                                                                 \
            below += VALUE(rows[row], column) < 0;                                                                     \
            zeros += VALUE(rows[row], column) == 0;                                                                    \
        }                                                                                                              \
        if (below > cut || below + zeros < row_count - cut) return mean;                                               \
        size_t first = cut - below, end = row_count - cut - below, number = 0;                                         \
        for (size_t row = 0; row < row_count && number < end; row++) {                                                 \
            if (VALUE(rows[row], column) != 0) continue;                                                               \
            if (number >= first && !__builtin_signbit(VALUE(rows[row], column))) return 0.0;                           \
            number++;                                                                                                  \
        }                                                                                                              \
        return -0.0;                                                                                                   \
    }

// A comparison is a minimum and a maximum of whole vectors.
#define SORT_LOOPS(TYPE, VALUE, NUMBER)                                                                                \
    SIGN_OF_ZERO(TYPE, VALUE)                                                                                          \
    EACH_INSTRUCTION_SET                                                                                               \
    static void means_##TYPE(                                                                                          \
        const void *const *rows, size_t row_count, size_t cut, const struct eclm_comparison *steps, size_t step_count, \
        size_t count, void *scratch, double *means) {                                                                  \
        NUMBER *restrict sorted = scratch;                                                                             \
        for (size_t start = 0; start < count; start += lanes) {                                                        \
            size_t width = count - start < lanes ? count - start : lanes;                                              \
            for (size_t row = 0; row < row_count; row++) {                                                             \
                NUMBER *target = sorted + row * lanes;                                                                 \
                if (width == lanes) {                                                                                  \
                    for (size_t i = 0; i < lanes; i++) target[i] = VALUE(rows[row], start + i);                        \
                } else {                                                                                               \
                    for (size_t i = 0; i < lanes; i++) target[i] = i < width ? VALUE(rows[row], start + i) : 0;        \
                }                                                                                                      \
            }                                                                                                          \
            for (size_t step = 0; step < step_count; step++) {                                                         \
                NUMBER *restrict low = sorted + (size_t)steps[step].low * lanes;                                       \
                NUMBER *restrict high = sorted + (size_t)steps[step].high * lanes;                                     \
                for (size_t i = 0; i < lanes; i++) {                                                                   \
                    NUMBER left = low[i], right = high[i];                                                             \
                    low[i] = left < right ? left : right;                                                              \
                    high[i] = left < right ? right : left;                                                             \
                }                                                                                                      \
            }                                                                                                          \
            double sums[lanes];                                                                                        \
            for (size_t i = 0; i < lanes; i++) sums[i] = -0.0;                                                         \
            for (size_t row = cut; row < row_count - cut; row++)                                                       \
                for (size_t i = 0; i < lanes; i++) sums[i] += (double)sorted[row * lanes + i];                         \
            double divisor = (double)(row_count - 2 * cut);                                                            \
            int zeros = 0;                                                                                             \
            for (size_t i = 0; i < lanes; i++) {                                                                       \
                sums[i] /= divisor;                                                                                    \
                zeros |= sums[i] == 0;                                                                                 \
            }                                                                                                          \
            if (zeros)                                                                                                 \
                for (size_t i = 0; i < width; i++)                                                                     \
                    if (sums[i] == 0) sums[i] = zero_##TYPE(rows, row_count, cut, start + i, sums[i]);                 \
            memcpy(means + start, sums, width * sizeof(double));                                                       \
        }                                                                                                              \
    }

SORT_LOOPS(f64, VALUE_F64, double)
SORT_LOOPS(f32, VALUE_F32, float)
SORT_LOOPS(f16, VALUE_F16, float)
SORT_LOOPS(bf16, VALUE_BF16, float)

void eclm_sorted_means(
    enum eclm_type type, const void *const *rows, size_t row_count, size_t cut, const struct eclm_comparison *steps,
    size_t step_count, size_t count, void *scratch, double *means) {
    switch (type) {
    case eclm_f64: means_f64(rows, row_count, cut, steps, step_count, count, scratch, means); break;
    case eclm_f32: means_f32(rows, row_count, cut, steps, step_count, count, scratch, means); break;
    case eclm_f16: means_f16(rows, row_count, cut, steps, step_count, count, scratch, means); break;
    case eclm_bf16: means_bf16(rows, row_count, cut, steps, step_count, count, scratch, means); break;
    }
}
