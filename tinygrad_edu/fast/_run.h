/* How a plan is run: the table of columns, one block of rows after the other. */

#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#ifdef __clang__
#define WIDE                            /* which clang has no word for */
#else
#define WIDE ",prefer-vector-width=512"
#endif
#include "rules.h"

#define MOST_INPUTS 8

typedef void Lanes(long count, const double *const *x, const double *c, double *restrict out, double *const *g);
typedef void OfRows(long L, int n, const double *const *x, const double *c, double *restrict out, double *const *g,
                    double *restrict room);

enum { LAYER, PAIRS, APPLY, ROWS, OUTER, CHAINS };

/* What `op` says of a layer; the last: its last column is all ones, and left out of `in`. */
enum { IS_RELU = 1, IS_GATED = 2, ENDS_IN_ONE = 4 };

/* Columns of the table: at equal steps from the first on, or anywhere. */
typedef struct { int count, first, step; const int *places; } Columns;

static inline long place_of(const Columns *c, long i) { return c->places ? c->places[i] : c->first + i * c->step; }

/* From the i-th column to the one that comes `by` later. */
static long step_of(const Columns *c, long i, long by) {
    return i + by < c->count ? place_of(c, i + by) - place_of(c, i) : 0;
}

/* Columns from the i-th on, at most so many. */
static Columns some_of(const Columns *c, int i, int most) {
    return (Columns){c->count - i < most ? c->count - i : most, c->first + i * c->step, c->step,
                     c->places ? c->places + i : 0};
}

/* How many columns lie at equal steps: the i-th, the one that comes `by` later, and so on. */
static long in_a_row(const Columns *c, long i, long by) {
    const long step = step_of(c, i, by);
    long count = 1;
    while (i + by < c->count && step_of(c, i, by) == step) i += by, count++;
    return count;
}

typedef struct {
    int kind, op, members, terms, length, out, is_flat;
    int is_quiet;                       /* may it answer nan without a flag? */
    Columns in, other;
    double start;
    int weight, row, column;            /* of a layer, where its weights lie */
    int in_place;                       /* among the parameters, or among the uniform numbers? */
    const int *pairs;                   /* of a sum, (lane, factor) of each term */
    const int *slopes;
    const double *constants;
    double *sums;                       /* of parameters, what was added up so far in this batch; */
    int has_minus_zero;                 /* did one of them begin with -0? */
} Step;

typedef struct {
    long rows, padded, stride;          /* rows, and with padding to a multiple of 8; how far columns lie apart */
    double *table, *room;
    const double *parameters, *uniform;
    void **pointers;
    int goes_on;                        /* have sums of gradients begun already? */
} Block;

typedef struct {
    void (*load)(long rows, long columns, const double *from, long row, double *to, long column);
    void (*steps)(const Step *s, const Step *end, const Block *b);
    void (*outer)(const Step *s, const Step *end, const Block *b);
} Runner;

/* An exponent of all ones, that of what is not finite, reaches the sign when 1 is added to it. */
static inline int are_finite(const double *x, long count) {
    uint64_t all = 0, bits;
    for (long k = 0; k < count; k++) {
        memcpy(&bits, x + k, sizeof bits);
        all |= (bits & INT64_MAX) + (1ULL << 52);
    }
    return !(all >> 63);
}

/* How many rows one word of bits tells of; how many columns are turned at a time, so that 64 rows of them stay in the first
   cache; and from how many on it pays to leave out rows. */
enum { WORD = 64, PANEL = 72, WIDE_ENOUGH = 48 };

#define PLAIN(x) x##_plain
#define PLAIN_TILES(x) x##_plain
#if defined(__x86_64__)
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma" WIDE)))
#define NAME(x) x##_512
#define VB 64
#include "lanes.h"
#define FMA 0
#define TILES(x) x##_512
#include "_steps.h"
#undef FMA
#undef TILES
#define FMA 1
#define TILES(x) x##_512_fast
#include "_steps.h"
#undef FMA
#undef TILES
#undef VB
#undef NAME
#undef TARGET
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_256
#define VB 32
#include "lanes.h"
#define FMA 0
#define TILES(x) x##_256
#include "_steps.h"
#undef FMA
#undef TILES
#define FMA 1
#define TILES(x) x##_256_fast
#include "_steps.h"
#undef FMA
#undef TILES
#undef VB
#undef NAME
#undef TARGET
#endif
#define TARGET
#define NAME(x) x##_128
#define VB 16
#define FMA 0
#define TILES(x) x##_128
#include "lanes.h"
#include "_steps.h"

/* The instruction sets that were built, the best first: exact and fast. */
#if defined(__x86_64__)
static const Runner *const RUNNERS[][2] = {
    {&RUNNER_512, &RUNNER_512_fast}, {&RUNNER_256, &RUNNER_256_fast}, {&RUNNER_128, &RUNNER_128}};
static const char *const RUNNER_NAMES[] = {"AVX-512", "AVX2", "baseline"};
enum { RUNNER_COUNT = 3 };

static int runs_here(int i) {
    __builtin_cpu_init();
    if (i == 0) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
                       && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
                       && __builtin_cpu_supports("fma");
    return i == 2 || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
}
#else
static const Runner *const RUNNERS[][2] = {{&RUNNER_128, &RUNNER_128}};
static const char *const RUNNER_NAMES[] = {"baseline"};
enum { RUNNER_COUNT = 1 };
static int runs_here(int i) { return i == 0; }
#endif

#include "_work.h"
