#pragma once
#include <stddef.h>
#include <stdint.h>

/// Reads every byte of some arrays of the same length once, on so many threads (at most 256), each of which has its share
/// of the places in all arrays: what an aggregation must read at the least, without its arithmetic.
///
/// block: bytes that a thread reads of one array before it goes on to the next; 0 for its whole share.
/// Returns a sum of what was read, so that reading cannot be left out.
uint64_t read_arrays(const void *const *arrays, size_t count, size_t bytes, size_t block, int threads);

/// Sums weighted rows of floats into doubles.
void sum_in_double(const float *const *rows, const double *weights, size_t count, size_t length, double *sums);

/// Sums weighted rows of floats in single precision, with Kahan's compensation.
void sum_compensated(
    const float *const *rows, const float *weights, size_t count, size_t length, float *sums, float *lost);
