#include "Loops.h"

enum { longest_number = 5 };

// The number at `*taken`, which moves behind it: LEB128.
static inline uint64_t number_at(const uint8_t *gaps, size_t *taken) {
    uint64_t byte = gaps[(*taken)++];
    if (byte < 0x80) return byte;
    uint64_t number = byte & 0x7F;
    for (unsigned shift = 7; byte >= 0x80; shift += 7) {
        byte = gaps[(*taken)++];
        number |= (byte & 0x7F) << shift;
    }
    return number;
}

// Whether a whole number of the fewest bytes begins at `taken`.
static inline int is_number(const uint8_t *gaps, size_t gap_bytes, size_t taken) {
    if (gaps[taken] < 0x80) return 1;
    size_t length = 1;
    while (length < longest_number && taken + length < gap_bytes && gaps[taken + length] >= 0x80) length++;
    return length < longest_number && taken + length < gap_bytes && gaps[taken + length] != 0;
}

int eclm_find_places(
    const uint8_t *gaps, size_t gap_bytes, size_t elements, size_t values, size_t stretch, struct eclm_places *starts) {
    struct eclm_places places = {0, 0, 0};
    size_t begin = 0;
    while (places.taken < gap_bytes) {
        if (!is_number(gaps, gap_bytes, places.taken)) return 0;
        size_t taken = places.taken;
        uint64_t gap = number_at(gaps, &taken);
        if (gap > UINT32_MAX || gap >= elements - places.next) return 0;
        size_t place = places.next + gap;
        for (; begin <= place; begin += stretch) *starts++ = places;
        places = (struct eclm_places){taken, places.count + 1, place + 1};
    }
    for (; begin < elements; begin += stretch) *starts++ = places;
    return places.count == values;
}

void eclm_add_places(
    const uint8_t *gaps, size_t gap_bytes, struct eclm_places *places, const void *values, double weight, size_t first,
    size_t end, double *restrict sums) {
    struct eclm_places at = *places;
    while (at.taken < gap_bytes) {
        size_t taken = at.taken;
        size_t place = at.next + number_at(gaps, &taken);
        if (place >= end) break;
        double value = (double)VALUE_F32(values, at.count);
        sums[place - first] += weight * (value == 0 ? -0.0 : value);
        at = (struct eclm_places){taken, at.count + 1, place + 1};
    }
    *places = at;
}
