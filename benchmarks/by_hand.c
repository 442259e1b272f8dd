/* Networks whose sizes the compiler knows, forward and backward over a batch of rows, written by hand.

   Loss and gradients are those of the engine: each sum is one chain, and gradients of the weights are added
   up from the last row to the first.  With -ffp-contract=off they have the engine's bits, but for the cross
   entropy, which is the plain softmax here; with -ffp-contract=fast a multiply and an add are one instruction.
   Numbers of a layer lie as [unit][row], so that a vector holds the same number of several rows. */

#include <math.h>

#if defined __AVX512F__
#define BYTES 64
#elif defined __AVX__
#define BYTES 32
#else
#define BYTES 16
#endif
#define WIDE (BYTES / 8)
#define ALIGNED __attribute__((aligned(64)))

typedef double vector __attribute__((vector_size(BYTES)));
typedef double anywhere __attribute__((vector_size(BYTES), aligned(8), may_alias));

enum { ROWS = 100, PADDED = 104, HIDDEN = 16 };         /* of the small network */

/* ---- sums of products ---------------------------------------------------------------------------------- */

/* M sums for N vectors of rows, held in registers. */
#define TILE(M, N) do {                                                                                   \
    vector sum[M][N];                                                                                     \
    double *to = c + m * cm + n;                                                                          \
    const double *factor = a + m * am, *later = factor + 4 * am, *row = b + n;                            \
    for (int i = 0; i < M; i++) for (int j = 0; j < N; j++)                                               \
        sum[i][j] = go_on ? (vector)*(anywhere *)(to + i * cm + WIDE * j) : (vector){};                   \
    for (long k = 0; k < K; k++, factor += ak, later += ak, row += bk) {                                  \
        vector x[N];                                                                                      \
        for (int j = 0; j < N; j++) x[j] = *(const anywhere *)(row + WIDE * j);                           \
        for (int i = 0; i < M; i++) for (int j = 0; j < N; j++)                                           \
            sum[i][j] += x[j] * (i < 4 ? factor : later)[i % 4 == 3 ? am3 : i % 4 * am];                  \
    }                                                                                                     \
    for (int i = 0; i < M; i++) for (int j = 0; j < N; j++)                                               \
        *(anywhere *)(to + i * cm + WIDE * j) = sum[i][j];                                                \
} while (0)

#define STRIP(N) do {                                                                                     \
    long m = 0;                                                                                           \
    if (BYTES == 64) for (; m + 8 <= M; m += 8) TILE(8, N);                                               \
    for (; m + 4 <= M; m += 4) TILE(4, N);                                                                \
    for (; m + 2 <= M; m += 2) TILE(2, N);                                                                \
    for (; m < M; m++) TILE(1, N);                                                                        \
} while (0)

static inline __attribute__((always_inline)) void piece(
    long M, long N, long K, const double *a, long am, long ak, const double *b, long bk, double *c, long cm, int go_on)
{
    const long am3 = 3 * am;
    long n = 0;
    if (BYTES == 64) for (; n + 3 * WIDE <= N; n += 3 * WIDE) STRIP(3);
    for (; n + 2 * WIDE <= N; n += 2 * WIDE) STRIP(2);
    for (; n < N; n += WIDE) STRIP(1);
}

/* c[m][n] = sum over k, in order, of a[m*am + k*ak] * b[k*bk + n]; steps may be negative, and N is rounded up to
   whole vectors.  Long sums go in pieces, whose inputs stay in the first cache. */
static inline __attribute__((always_inline)) void product(
    long M, long N, long K, const double *a, long am, long ak, const double *b, long bk, double *c, long cm)
{
    const long most = K <= 256 || M < 8 ? K : 160;
    for (long k = 0; k < K; k += most)
        piece(M, N, K - k < most ? K - k : most, a + k * ak, am, ak, b + k * bk, bk, c, cm, k > 0);
}

/* to[j][i] = from[i][j], in squares of four by four */
static inline __attribute__((always_inline)) void turned(
    int rows, int columns, const double *restrict from, long step, double *restrict to, long to_step)
{
    typedef double four __attribute__((vector_size(32), aligned(8), may_alias));
    int i = 0;
    for (; i + 4 <= rows; i += 4) {
        int j = 0;
        for (; j + 4 <= columns; j += 4) {
            const double *f = from + i * step + j;
            double *t = to + j * to_step + i;
            four a = *(four *)f, b = *(four *)(f + step), c = *(four *)(f + 2 * step), d = *(four *)(f + 3 * step);
            four ab = __builtin_shufflevector(a, b, 0, 4, 2, 6), ba = __builtin_shufflevector(a, b, 1, 5, 3, 7);
            four cd = __builtin_shufflevector(c, d, 0, 4, 2, 6), dc = __builtin_shufflevector(c, d, 1, 5, 3, 7);
            *(four *)t = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
            *(four *)(t + to_step) = __builtin_shufflevector(ba, dc, 0, 1, 4, 5);
            *(four *)(t + 2 * to_step) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
            *(four *)(t + 3 * to_step) = __builtin_shufflevector(ba, dc, 2, 3, 6, 7);
        }
        for (; j < columns; j++)
            for (int u = 0; u < 4; u++) to[j * to_step + i + u] = from[(i + u) * step + j];
    }
    for (; i < rows; i++)
        for (int j = 0; j < columns; j++) to[j * to_step + i] = from[i * step + j];
}

/* x = relu(x + bias), unit by unit */
static inline __attribute__((always_inline)) void relu_of(int units, int rows, double *x, long step, const double *bias)
{
    for (int o = 0; o < units; o++)
        for (int k = 0; k < rows; k++) {
            double t = x[o * step + k] + bias[o];
            x[o * step + k] = t > 0 ? t : 0;
        }
}

/* gradients of biases: each the sum over its unit's rows, last to first; eight of these chains side by side */
static inline __attribute__((always_inline)) void bias_sums(int units, int rows, const double *g, long step, double *to)
{
    int o = 0;
    for (; o + 8 <= units; o += 8) {
        double sum[8] = {0};
        for (int k = rows - 1; k >= 0; k--)
            for (int j = 0; j < 8; j++) sum[j] += g[(o + j) * step + k];
        for (int j = 0; j < 8; j++) to[o + j] = sum[j];
    }
    for (; o < units; o++) {
        to[o] = 0;
        for (int k = rows - 1; k >= 0; k--) to[o] += g[o * step + k];
    }
}

/* the same of units that lie side by side, as [row][unit] */
static inline __attribute__((always_inline)) void bias_sums_of_rows(int units, int rows, const double *g, double *to)
{
    double sum[HIDDEN] = {0};
    for (int k = rows - 1; k >= 0; k--)
        for (int o = 0; o < units; o++) sum[o] += g[k * units + o];
    for (int o = 0; o < units; o++) to[o] = sum[o];
}

/* ---- 2-16-16-1, relu, mean squared error ------------------------------------------------------------------ */

typedef struct { double W1[HIDDEN][2], b1[HIDDEN], W2[HIDDEN][HIDDEN], b2[HIDDEN], W3[HIDDEN], b3; } small;

double small_step(const double *restrict x, const double *restrict y, const small *restrict p, small *restrict d)
{
    static ALIGNED double X[2][PADDED], h1[HIDDEN][PADDED], h2[HIDDEN][PADDED], z[PADDED];
    static ALIGNED double g1[HIDDEN][PADDED], g2[HIDDEN][PADDED], g3[PADDED], back[PADDED][HIDDEN], dt[HIDDEN][HIDDEN];
    double loss = 0;

    turned(ROWS, 2, x, 2, X[0], PADDED);
    product(HIDDEN, PADDED, 2, p->W1[0], 2, 1, X[0], PADDED, h1[0], PADDED);
    relu_of(HIDDEN, PADDED, h1[0], PADDED, p->b1);
    product(HIDDEN, PADDED, HIDDEN, p->W2[0], HIDDEN, 1, h1[0], PADDED, h2[0], PADDED);
    relu_of(HIDDEN, PADDED, h2[0], PADDED, p->b2);
    product(1, PADDED, HIDDEN, p->W3, HIDDEN, 1, h2[0], PADDED, z, PADDED);
    for (int k = 0; k < ROWS; k++) {
        double error = z[k] + p->b3 - y[k];
        z[k] = error * error;
        g3[k] = 1.0 / ROWS * (2 * error);
    }
    for (int k = 0; k < ROWS; k++) loss += z[k];

    for (int o = 0; o < HIDDEN; o++)
        for (int k = 0; k < PADDED; k++) g2[o][k] = h2[o][k] > 0 ? g3[k] * p->W3[o] : 0;
    product(HIDDEN, PADDED, HIDDEN, p->W2[HIDDEN - 1], 1, -HIDDEN, g2[HIDDEN - 1], -PADDED, g1[0], PADDED);
    for (int o = 0; o < HIDDEN; o++)
        for (int k = 0; k < PADDED; k++) g1[o][k] = h1[o][k] > 0 ? g1[o][k] : 0;

    turned(HIDDEN, PADDED, h2[0], PADDED, back[0], HIDDEN);
    product(1, HIDDEN, ROWS, g3 + ROWS - 1, 1, -1, back[ROWS - 1], -HIDDEN, d->W3, HIDDEN);
    d->b3 = 0;
    for (int k = ROWS - 1; k >= 0; k--) d->b3 += g3[k];
    turned(HIDDEN, PADDED, g2[0], PADDED, back[0], HIDDEN);
    product(HIDDEN, HIDDEN, ROWS, h1[0] + ROWS - 1, PADDED, -1, back[ROWS - 1], -HIDDEN, dt[0], HIDDEN);
    turned(HIDDEN, HIDDEN, dt[0], HIDDEN, d->W2[0], HIDDEN);
    bias_sums_of_rows(HIDDEN, ROWS, back[0], d->b2);
    turned(HIDDEN, PADDED, g1[0], PADDED, back[0], HIDDEN);
    product(2, HIDDEN, ROWS, X[0] + ROWS - 1, PADDED, -1, back[ROWS - 1], -HIDDEN, dt[0], HIDDEN);
    for (int o = 0; o < HIDDEN; o++) d->W1[o][0] = dt[0][o], d->W1[o][1] = dt[1][o];
    bias_sums_of_rows(HIDDEN, ROWS, back[0], d->b1);
    return loss / ROWS;
}

/* ---- one hidden layer of relu, cross entropy ---------------------------------------------------------------

   I inputs, H hidden neurons (both whole vectors: multiples of 8), O classes, N rows; y[row][class] is 0 or 1.  Whoever includes this file says which
   networks there are: NETWORK(digits, 64, 32, 10, 128). */

#define NETWORK(name, I, H, O, N)                                                                         \
typedef struct { double W1[H][I], b1[H], W2[O][H], b2[O]; } name;                                         \
double name##_step(const double *restrict x, const double *restrict y, const name *restrict p, name *restrict d) \
{                                                                                                         \
    enum { S = N + 8 };                                                                                   \
    static ALIGNED double X[I][S], h[H][S], z[O][S], e[O][S], g2[O][S], g1[H][S], ht[N][H];               \
    double top[N], sum[N], loss = 0;                                                                      \
                                                                                                          \
    turned(N, I, x, I, X[0], S);                                                                          \
    product(H, N, I, p->W1[0], I, 1, X[0], S, h[0], S);                                                   \
    relu_of(H, N, h[0], S, p->b1);                                                                        \
    product(O, N, H, p->W2[0], H, 1, h[0], S, z[0], S);                                                   \
    for (int k = 0; k < N; k++) top[k] = -INFINITY, sum[k] = 0;                                           \
    for (int o = 0; o < O; o++) for (int k = 0; k < N; k++) {                                             \
        z[o][k] += p->b2[o];                                                                              \
        top[k] = z[o][k] > top[k] ? z[o][k] : top[k];                                                     \
    }                                                                                                     \
    for (int o = 0; o < O; o++) for (int k = 0; k < N; k++) e[o][k] = exp(z[o][k] - top[k]);              \
    for (int o = 0; o < O; o++) for (int k = 0; k < N; k++) sum[k] += e[o][k];                            \
    for (int k = 0; k < N; k++) {                                                                         \
        double chosen = 0;                                                                                \
        for (int o = 0; o < O; o++) chosen += z[o][k] * y[k * O + o];                                     \
        loss += log(sum[k]) + top[k] - chosen;                                                            \
    }                                                                                                     \
                                                                                                          \
    for (int o = 0; o < O; o++) for (int k = 0; k < N; k++)                                               \
        g2[o][k] = (e[o][k] / sum[k] - y[k * O + o]) * (1.0 / N);                                         \
    product(H, N, O, p->W2[O - 1], 1, -H, g2[O - 1], -S, g1[0], S);                                       \
    for (int o = 0; o < H; o++) for (int k = 0; k < N; k++) g1[o][k] = h[o][k] > 0 ? g1[o][k] : 0;        \
    turned(H, N, h[0], S, ht[0], H);                                                                      \
    product(O, H, N, g2[0] + N - 1, S, -1, ht[N - 1], -H, d->W2[0], H);                                   \
    product(H, I, N, g1[0] + N - 1, S, -1, x + (N - 1) * I, -I, d->W1[0], I);                             \
    bias_sums(O, N, g2[0], S, d->b2);                                                                     \
    bias_sums(H, N, g1[0], S, d->b1);                                                                     \
    return loss / N;                                                                                      \
}
/* ---- what the processor can do at most -------------------------------------------------------------------- */

/* Turns of 16 vectors, each multiplied by one and added to another, all in registers: 32 * WIDE operations a turn.
   Returned is a number that depends on all of them. */
double ceiling(long turns, double factor, double *operations)
{
    vector sum[16], x = (vector){} + factor, y = (vector){} + 1.0;
    double result = 0;
    for (int i = 0; i < 16; i++) sum[i] = (vector){} + i;
    for (long t = 0; t < turns; t++)
        for (int i = 0; i < 16; i++) sum[i] = sum[i] * x + y;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < WIDE; j++) result += sum[i][j];
    *operations = 32.0 * WIDE * turns;
    return result;
}
