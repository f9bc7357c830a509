#include "CReadBandwidth.h"

#include <pthread.h>
#include <string.h>

// As the loops of aggregation are: for the instruction sets of several machines, without contractions.
#pragma STDC FP_CONTRACT OFF
#if defined(__x86_64__) && defined(__GLIBC__)
#define EACH_INSTRUCTION_SET __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define EACH_INSTRUCTION_SET
#endif

struct share {
    const void *const *arrays;
    size_t count, first, end, block;
    uint64_t sum;
};

EACH_INSTRUCTION_SET
static uint64_t read_words(const char *bytes, size_t words) {
    uint64_t sum = 0;
    for (size_t word = 0; word < words; word++) {
        uint64_t value;
        memcpy(&value, bytes + word * 8, 8);
        sum += value;
    }
    return sum;
}

static void *read_share(void *argument) {
    struct share *share = argument;
    uint64_t sum = 0;
    for (size_t start = share->first; start < share->end; start += share->block) {
        size_t end = start + share->block < share->end ? start + share->block : share->end;
        for (size_t array = 0; array < share->count; array++) {
            sum += read_words((const char *)share->arrays[array] + start, (end - start) / 8);
        }
    }
    share->sum = sum;
    return NULL;
}

uint64_t read_arrays(const void *const *arrays, size_t count, size_t bytes, size_t block, int threads) {
    struct share shares[256];
    pthread_t started[256];
    int running[256] = {0};
    if (threads < 1) threads = 1;
    if (threads > 256) threads = 256;
    size_t width = (bytes / (size_t)threads + 63) / 64 * 64;
    for (int thread = 0; thread < threads; thread++) {
        size_t first = width * (size_t)thread, end = first + width;
        if (first > bytes) first = bytes;
        if (end > bytes || thread == threads - 1) end = bytes;
        shares[thread] = (struct share){arrays, count, first, end, block ? block : end - first + 1, 0};
        if (thread > 0) running[thread] = pthread_create(&started[thread], NULL, read_share, &shares[thread]) == 0;
    }
    uint64_t sum = 0;
    for (int thread = 0; thread < threads; thread++) {
        if (!running[thread]) read_share(&shares[thread]);
        else pthread_join(started[thread], NULL);
        sum += shares[thread].sum;
    }
    return sum;
}

EACH_INSTRUCTION_SET
void sum_in_double(const float *const *rows, const double *weights, size_t count, size_t length, double *sums) {
    for (size_t row = 0; row < count; row++) {
        const float *restrict values = rows[row];
        double *restrict target = sums;
        double weight = weights[row];
        for (size_t i = 0; i < length; i++) target[i] += weight * (double)values[i];
    }
}

EACH_INSTRUCTION_SET
void sum_compensated(
    const float *const *rows, const float *weights, size_t count, size_t length, float *sums, float *lost) {
    for (size_t row = 0; row < count; row++) {
        const float *restrict values = rows[row];
        float *restrict target = sums, *restrict rest = lost;
        float weight = weights[row];
        for (size_t i = 0; i < length; i++) {
            float value = weight * values[i] - rest[i];
            float sum = target[i] + value;
            rest[i] = (sum - target[i]) - value;
            target[i] = sum;
        }
    }
}
