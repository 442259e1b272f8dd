/* Sums of products over lanes, kept in registers.  Included once for each instruction set and way of rounding.

   VB          bytes of a vector
   FMA         1: a product is not rounded before it is added
   TILES(x)    the name of a function here */

#define VL (VB / 8)
typedef double TILES(vector) __attribute__((vector_size(VB)));
typedef double TILES(loaded) __attribute__((vector_size(VB), aligned(8), may_alias));
typedef long long TILES(bits) __attribute__((vector_size(VB)));
typedef uint64_t TILES(words) __attribute__((vector_size(VB)));
#define V TILES(vector)
#define I TILES(bits)
#define AT(p) (*(TILES(loaded) *)(p))
#if FMA && VB == 64
#define ADD_PRODUCT(s, a, b) s = (V)_mm512_fmadd_pd((__m512d)(b), _mm512_set1_pd(a), (__m512d)(s))
#elif FMA && VB == 32
#define ADD_PRODUCT(s, a, b) s = (V)_mm256_fmadd_pd((__m256d)(b), _mm256_set1_pd(a), (__m256d)(s))
#else
#define ADD_PRODUCT(s, a, b) s += (b) * (a)
#endif

/* What `multiply` has: c[m * cm + n] = start + the sum over k of a[m * am + k * ak] * b[k * bk + n], in this order;
   where `start` is nan, a sum goes on from what is there.  At its end each sum

   gets last[m * am], if there is that;
   becomes 0 where it is below, if is_relu;
   becomes 0 where gate[m * cm + n] is not above 0, if there are gates. */
typedef struct {
    long M, N, K;
    const double *a; long am, ak;
    const double *b; long bk;
    double *c; long cm;
    double start;
    const double *last;
    int is_relu;
    const double *gate;
} TILES(Product);

/* A tile of M sums by N vectors. */
#define EACH(M, N) for (int i = 0; i < M; i++) for (int j = 0; j < N; j++)
#define TILE(M, N) { \
    V s[M][N]; double *c = p->c + m * p->cm + n; \
    EACH(M, N) s[i][j] = goes_on ? (V)AT(c + i * p->cm + VL * j) : p->start - (V){0}; \
    const double *f = p->a + m * p->am, *f4 = f + 4 * p->am, *row = p->b + n; \
    const long ak = p->ak, bk = p->bk, am = p->am, am3 = 3 * am; \
    for (long k = 0; k < p->K; k++, f += ak, f4 += ak, row += bk) { \
        V t[N]; for (int j = 0; j < N; j++) t[j] = AT(row + VL * j); \
        EACH(M, N) \
            ADD_PRODUCT(s[i][j], (i < 4 ? f : f4)[i % 4 == 3 ? am3 : i % 4 * am], t[j]); \
    } \
    if (p->last) EACH(M, N) s[i][j] += p->last[(m + i) * am]; \
    if (p->is_relu) EACH(M, N) s[i][j] = (V)((I)s[i][j] & ~(I)(s[i][j] <= (V){0})); \
    if (p->gate) EACH(M, N) s[i][j] = (V)((I)s[i][j] & (I)(AT(p->gate + (m + i) * p->cm + n + VL * j) > (V){0})); \
    EACH(M, N) AT(c + i * p->cm + VL * j) = s[i][j]; }

TARGET static void TILES(multiply_piece)(const TILES(Product) *p) {
    const int goes_on = p->start != p->start;
    long n = 0, m;
#if VB == 64
    for (; n + 3 * VL <= p->N; n += 3 * VL) {
        for (m = 0; m + 8 <= p->M; m += 8) TILE(8, 3)
        for (; m + 4 <= p->M; m += 4) TILE(4, 3)
        for (; m + 2 <= p->M; m += 2) TILE(2, 3)
        for (; m < p->M; m++) TILE(1, 3)
    }
#endif
    for (; n + 2 * VL <= p->N; n += 2 * VL) {
        m = 0;
#if VB == 64
        for (; m + 8 <= p->M; m += 8) TILE(8, 2)
#endif
        for (; m + 4 <= p->M; m += 4) TILE(4, 2)
        for (; m + 2 <= p->M; m += 2) TILE(2, 2)
        for (; m < p->M; m++) TILE(1, 2)
    }
    for (; n < p->N; n += VL) {
        for (m = 0; m + 8 <= p->M; m += 8) TILE(8, 1)
        for (; m + 4 <= p->M; m += 4) TILE(4, 1)
        for (; m + 2 <= p->M; m += 2) TILE(2, 1)
        for (; m < p->M; m++) TILE(1, 1)
    }
}

/* Long sums in pieces whose columns stay in the first cache; each goes on where the last one stopped. */
TARGET static void TILES(multiply)(TILES(Product) p) {
    const TILES(Product) whole = p;
    const long piece = whole.K <= 256 || p.M < 8 ? whole.K : 160;
    long done = 0;
    do {
        const int is_end = whole.K - done <= piece;
        p.K = is_end ? whole.K - done : piece;
        p.last = is_end ? whole.last : 0;
        p.is_relu = is_end && whole.is_relu;
        p.gate = is_end ? whole.gate : 0;
        TILES(multiply_piece)(&p);
        p.a += p.K * p.ak;
        p.b += p.K * p.bk;
        p.start = NAN;
        done += p.K;
    } while (done < whole.K);
}

#define ROW_TILE(N) { \
    V s[N]; for (int j = 0; j < N; j++) s[j] = goes_on ? (V)AT(sums + VL * j) : (V){0}; \
    for (; chosen; chosen &= chosen - 1) { \
        const long t = __builtin_ctzll(chosen); \
        const double factor = last[-t], *from = rows + t * step; \
        for (int j = 0; j < N; j++) ADD_PRODUCT(s[j], factor, AT(from + VL * j)); \
    } \
    for (int j = 0; j < N; j++) AT(sums + VL * j) = s[j]; }

enum { TILES(ROW_VECTORS) = 9 };

/* Add rows of at most ROW_VECTORS vectors to sums, which begin with 0 or go on: row t, if bit t says so, times the
   factor that lies t before the last. */
TARGET static void TILES(add_rows)(uint64_t chosen, const double *last, const double *rows, long step, long vectors,
                                   double *sums, int goes_on) {
    switch (vectors) {
        case 1: ROW_TILE(1) break;
        case 2: ROW_TILE(2) break;
        case 3: ROW_TILE(3) break;
        case 4: ROW_TILE(4) break;
        case 5: ROW_TILE(5) break;
        case 6: ROW_TILE(6) break;
        case 7: ROW_TILE(7) break;
        case 8: ROW_TILE(8) break;
        default: ROW_TILE(9)
    }
}

/* Which numbers of a column are not 0, at most 64: the lowest bit says it of the last. */
TARGET static uint64_t TILES(not_zero)(const double *column, long rows) {
    TILES(words) bit, found = {0};
    uint64_t all = 0;
    for (int j = 0; j < VL; j++) bit[j] = 1ULL << 63 >> j;
    for (long k = 0; k < rows; k += VL) found |= (TILES(words))(AT(column + k) != (V){0}) & bit >> k;
    for (int j = 0; j < VL; j++) all |= found[j];
    return all >> (64 - rows);
}

#define SUM_OF_PAIRS(N) { \
    V s[N]; for (int j = 0; j < N; j++) s[j] = start - (V){0}; \
    for (int i = 0; i < n; i++) { \
        const double *lane = v + pairs[2 * i] * S + k, *factor = v + pairs[2 * i + 1] * S + k; \
        if (pairs[2 * i + 1] < 0) for (int j = 0; j < N; j++) s[j] += AT(lane + VL * j) * w[~pairs[2 * i + 1]]; \
        else for (int j = 0; j < N; j++) s[j] += AT(lane + VL * j) * AT(factor + VL * j); \
    } \
    for (int j = 0; j < N; j++) AT(out + k + VL * j) = s[j]; }

/* out[k] = start + a sum of n products of two columns; a factor below 0 is a number of `w`. */
TARGET static void TILES(add_pairs)(long L, long S, int n, const int *pairs, const double *v, const double *w,
                                    double start, double *out) {
    long k = 0;
    for (; k + 4 * VL <= L; k += 4 * VL) SUM_OF_PAIRS(4)
    for (; k < L; k += VL) SUM_OF_PAIRS(1)
}

/* to[j * ts + i] = from[i * fs + j], for i < rows and j < columns. */
typedef double TILES(four) __attribute__((vector_size(32)));
typedef double TILES(four_loaded) __attribute__((vector_size(32), aligned(8), may_alias));
#define FOUR(p) (*(TILES(four_loaded) *)(p))
#define MIX __builtin_shufflevector

TARGET static inline void TILES(turn4)(const double *f, long fs, double *t, long ts) {
    const TILES(four) a = FOUR(f), b = FOUR(f + fs), c = FOUR(f + 2 * fs), d = FOUR(f + 3 * fs);
    const TILES(four) ab = MIX(a, b, 0, 4, 2, 6), AB = MIX(a, b, 1, 5, 3, 7);
    const TILES(four) cd = MIX(c, d, 0, 4, 2, 6), CD = MIX(c, d, 1, 5, 3, 7);
    FOUR(t) = MIX(ab, cd, 0, 1, 4, 5);
    FOUR(t + ts) = MIX(AB, CD, 0, 1, 4, 5);
    FOUR(t + 2 * ts) = MIX(ab, cd, 2, 3, 6, 7);
    FOUR(t + 3 * ts) = MIX(AB, CD, 2, 3, 6, 7);
}

#if VB == 64
TARGET static inline void TILES(turn8)(const double *f, long fs, double *t, long ts) {
    V a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        const V one = AT(f + i * fs), other = AT(f + (i + 1) * fs);
        a[i] = MIX(one, other, 0, 8, 2, 10, 4, 12, 6, 14);
        a[i + 1] = MIX(one, other, 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) for (int j = i; j < i + 2; j++) {
        b[j] = MIX(a[j], a[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        b[j + 2] = MIX(a[j], a[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < 4; i++) {
        AT(t + i * ts) = MIX(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        AT(t + (i + 4) * ts) = MIX(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
enum { TILES(TURNED) = 8 };
#define TURN TILES(turn8)
#else
enum { TILES(TURNED) = 4 };
#define TURN TILES(turn4)
#endif

TARGET static void TILES(turn)(long rows, long columns, const double *restrict from, long fs, double *restrict to,
                              long ts) {
    const long size = TILES(TURNED), whole = columns - columns % size;
    long i = 0;
    for (; i + size <= rows; i += size) {
        for (long j = 0; j < whole; j += size) TURN(from + i * fs + j, fs, to + j * ts + i, ts);
        for (long j = whole; j < columns; j++)
            for (int u = 0; u < size; u++) to[j * ts + i + u] = from[(i + u) * fs + j];
    }
    for (; i + 4 <= rows; i += 4) {
        long j = 0;
        for (; j + 4 <= columns; j += 4) TILES(turn4)(from + i * fs + j, fs, to + j * ts + i, ts);
        for (; j < columns; j++) for (int u = 0; u < 4; u++) to[j * ts + i + u] = from[(i + u) * fs + j];
    }
    for (; i < rows; i++) for (long j = 0; j < columns; j++) to[j * ts + i] = from[i * fs + j];
}

#undef TILE
#undef ROW_TILE
#undef SUM_OF_PAIRS
#undef EACH
#undef FOUR
#undef MIX
#undef TURN
#undef ADD_PRODUCT
