#include "CReadBandwidth.h"

#include <pthread.h>
#include <string.h>

struct share {
    const void *const *arrays;
    size_t count, first, end, block;
    uint64_t sum;
};

static void *read_share(void *argument) {
    struct share *share = argument;
    uint64_t sum = 0;
    for (size_t start = share->first; start < share->end; start += share->block) {
        size_t end = start + share->block < share->end ? start + share->block : share->end;
        for (size_t array = 0; array < share->count; array++) {
            const char *bytes = (const char *)share->arrays[array] + start;
            size_t words = (end - start) / 8;
            for (size_t word = 0; word < words; word++) {
                uint64_t value;
                memcpy(&value, bytes + word * 8, 8);
                sum += value;
            }
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

void sum_in_double(const float *const *rows, const double *weights, size_t count, size_t length, double *sums) {
    for (size_t row = 0; row < count; row++) {
        const float *restrict values = rows[row];
        double *restrict target = sums;
        double weight = weights[row];
        for (size_t i = 0; i < length; i++) target[i] += weight * (double)values[i];
    }
}

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
