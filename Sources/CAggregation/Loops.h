#ifndef LOOPS_H
#define LOOPS_H

#include "CAggregation.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// Instruction sets of the x86-64 levels 4 and 3 and the baseline, chosen by the loader; elsewhere the baseline has all
// that is needed (NEON), or the loader cannot choose.
#if defined(__x86_64__) && defined(__GLIBC__)
#define EACH_INSTRUCTION_SET __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define EACH_INSTRUCTION_SET
#endif

typedef double __attribute__((aligned(1))) any_double;
typedef float __attribute__((aligned(1))) any_float;
typedef uint16_t __attribute__((aligned(1))) any_half;

static inline float single_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Half precision by integer operations and one exact multiplication, as ElementType's `single(half:)`.
static inline float single_of_half(uint16_t half) {
    uint32_t magnitude = (uint32_t)(half & 0x7FFF) << 13;
    float scaled = single_of_bits(magnitude) * 0x1p112f;
    uint32_t bits;
    memcpy(&bits, &scaled, sizeof bits);
    bits |= magnitude >= 0x0F800000 ? 0x7F800000 : 0;
    return single_of_bits(bits | (uint32_t)(half & 0x8000) << 16);
}

static inline float single_of_brain(uint16_t brain) { return single_of_bits((uint32_t)brain << 16); }

// What lies in the memory, and its value.
#define VALUE_F64_AT(row, i) (((const any_double *)(row))[i])
#define VALUE_F32_AT(row, i) (((const any_float *)(row))[i])
#define VALUE_F16_AT(row, i) (((const any_half *)(row))[i])
#define VALUE_BF16_AT(row, i) (((const any_half *)(row))[i])
#define VALUE_F64(row, i) VALUE_F64_AT(row, i)
#define VALUE_F32(row, i) VALUE_F32_AT(row, i)
#define VALUE_F16(row, i) single_of_half(VALUE_F16_AT(row, i))
#define VALUE_BF16(row, i) single_of_brain(VALUE_BF16_AT(row, i))

#endif
