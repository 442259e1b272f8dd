/* Functions over lanes, with the bits of the C library.  Included once for each instruction set.

   VB          bytes of a vector
   NAME(x)     the name of a function here
   TARGET      what tells the compiler the instruction set

   NAME(exp_lanes)(n, x, out) and its kin fill out[k] = exp(x[k]) for k < n, a multiple of 8; out may be x. */

#define BY_LIBRARY(f) \
    TARGET static void NAME(f##_by_library)(long n, const double *x, double *out) { \
        for (long k = 0; k < n; k++) out[k] = f(x[k]); \
    }

#if VB > 16
typedef double NAME(numbers) __attribute__((vector_size(VB)));
typedef long long NAME(whole) __attribute__((vector_size(VB)));
typedef double NAME(anywhere) __attribute__((vector_size(VB), aligned(8), may_alias));
#define V NAME(numbers)
#define I NAME(whole)
#define AT(p) (*(NAME(anywhere) *)(p))
#define ALL(x) ((x) - (V){0})
#define CHOOSE(test, yes, no) ((V)(((I)(yes) & (test)) | ((I)(no) & ~(test))))
#define ABSOLUTE(x) ((V)((I)(x) & 0x7fffffffffffffffLL))
#define SIGNED(x, like) ((V)((I)(x) | ((I)(like) & (-0x7fffffffffffffffLL - 1))))
#define POWER_OF_TWO(k) ((V)((I)((k) + (0x1.8p52 + 1023)) << 52))      /* of whole numbers from -1022 to 1023 */
#define INLINE TARGET static inline __attribute__((always_inline))
#if VB == 64
#define FUSED(a, b, c) ((V)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define LOOK_UP(table, places) ((V)_mm512_i64gather_pd((__m512i)(places), table, 8))
#define ARE_ALL(test) (_mm512_movepi64_mask((__m512i)(test)) == 255)
#else
#define FUSED(a, b, c) ((V)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define LOOK_UP(table, places) ((V)_mm256_i64gather_pd(table, (__m256i)(places), 8))
#define ARE_ALL(test) (_mm256_movemask_pd((__m256d)(test)) == 15)
#endif

#define METHOD(x) NAME(x##_fused)
#define MULTIPLY_ADD(a, b, c) FUSED(a, b, c)
#include "_methods.h"
#undef METHOD
#undef MULTIPLY_ADD
#define METHOD(x) NAME(x##_rounded)
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "_methods.h"
#undef METHOD
#undef MULTIPLY_ADD

/* For numbers that a method does not cover it computes f of a half, which raises no flag, and they go to the
   library. */
#define BY_METHOD(f, way) \
    TARGET static void NAME(f##_by_##way)(long n, const double *x, double *out) { \
        for (long k = 0; k < n; k += VB / 8) { \
            const V numbers = AT(x + k); \
            const I covered = NAME(covers_##f##_##way)(numbers); \
            V answers = NAME(f##_of_##way)(CHOOSE(covered, numbers, ALL(0.5))); \
            if (!ARE_ALL(covered)) for (int q = 0; q < VB / 8; q++) if (!covered[q]) answers[q] = f(numbers[q]); \
            AT(out + k) = answers; \
        } \
    }

/* The first call finds out which way has the library's bits here; there may be none. */
#define FUNCTION(f) \
    BY_LIBRARY(f) BY_METHOD(f, fused) BY_METHOD(f, rounded) \
    static OfLanes NAME(f##_at_first); \
    static OfLanes *NAME(f##_way) = NAME(f##_at_first); \
    static void NAME(f##_at_first)(long n, const double *x, double *out) { \
        OfLanes *const ways[] = {NAME(f##_by_fused), NAME(f##_by_rounded), NAME(f##_by_library)}; \
        int i = 0; \
        while (i < 2 && !agrees(ways[i], NAME(f##_by_library))) i++; \
        __atomic_store_n(&NAME(f##_way), ways[i], __ATOMIC_RELAXED); \
        ways[i](n, x, out); \
    } \
    static void NAME(f##_lanes)(long n, const double *x, double *out) { \
        __atomic_load_n(&NAME(f##_way), __ATOMIC_RELAXED)(n, x, out); \
    }
FUNCTION(exp)
FUNCTION(expm1)
FUNCTION(tanh)
FUNCTION(log1p)

#undef V
#undef I
#undef AT
#undef ALL
#undef CHOOSE
#undef ABSOLUTE
#undef SIGNED
#undef POWER_OF_TWO
#undef INLINE
#undef FUSED
#undef LOOK_UP
#undef ARE_ALL
#undef BY_METHOD
#else
#define FUNCTION(f) BY_LIBRARY(f) static OfLanes *NAME(f##_lanes) = NAME(f##_by_library);
FUNCTION(exp)
FUNCTION(expm1)
FUNCTION(tanh)
FUNCTION(log1p)
#endif
#undef FUNCTION
#undef BY_LIBRARY
