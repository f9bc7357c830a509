// The inner loops of aggregation.
//
// They are in C for one reason: Swift compiles a function for one instruction set, and the least that a 64-bit PC has
// leaves most of its vector units idle. Here the loops are compiled for three, and the machine's best is taken when the
// program starts. All give the same bits: elements are independent of each other or added in a fixed order, and no
// multiplication is contracted with an addition.
//
// Pointers to values need no alignment. Values are little-endian.
#ifndef C_AGGREGATION_H
#define C_AGGREGATION_H

#include <stddef.h>
#include <stdint.h>

enum eclm_type { eclm_f64, eclm_f32, eclm_f16, eclm_bf16 };

// sums[i] += weights[0] * rows[0][i], then weights[1] * rows[1][i], and so on: in double precision.
void eclm_add_rows(
    enum eclm_type type, const void *const *rows, const double *weights, size_t row_count, size_t count, double *sums);

// The same for one row of a difference, in which 0 stands for no change: it is -0, which leaves the sign of a sum alone.
void eclm_add_difference(enum eclm_type type, const void *row, double weight, size_t count, double *sums);

// The same for a difference in units of a scale.
void eclm_add_codes(const int8_t *codes, double scale, double weight, size_t count, double *sums);

// Where reading the gaps of a sparse difference stands.
struct eclm_places {
    // Bytes of gaps that were taken, and places they told.
    size_t taken, count;
    // The least that the next place can be.
    size_t next;
};

// Finds where each stretch of so many elements begins, and whether the gaps are exactly `values` places below `elements`,
// each in the fewest bytes.
//
// starts: room for one of each stretch that `elements` begins.
// Returns 1, or 0 for gaps that are not so.
int eclm_find_places(
    const uint8_t *gaps, size_t gap_bytes, size_t elements, size_t values, size_t stretch, struct eclm_places *starts);

// sums[place - first] += weight * value for the places below `end`; the gaps are such as eclm_find_places lets pass.
void eclm_add_places(
    const uint8_t *gaps, size_t gap_bytes, struct eclm_places *places, const void *values, double weight, size_t first,
    size_t end, double *sums);

// Rounds to single precision, to nearest even; beyond its range to its largest value.
void eclm_round_to_f32(const double *values, size_t count, void *rounded);

// Asks the system for large pages under memory that was not written to yet: then a result of many MiB is not taken page by
// page. A hint, and nothing where the system has no large pages.
void eclm_prefer_large_pages(void *start, size_t bytes);

// One step of a sorting network: the lesser value goes to `low`.
struct eclm_comparison {
    uint16_t low, high;
};

// Columns that are sorted together.
enum { eclm_sorted_lanes = 64 };

// The mean of each column's values without the `cut` smallest and the `cut` largest, added in ascending order. Among
// equal values the earlier row counts as smaller, which the sign of a mean of zeros tells.
//
// scratch: room for row_count * eclm_sorted_lanes doubles.
void eclm_sorted_means(
    enum eclm_type type, const void *const *rows, size_t row_count, size_t cut, const struct eclm_comparison *steps,
    size_t step_count, size_t count, void *scratch, double *means);

#endif
