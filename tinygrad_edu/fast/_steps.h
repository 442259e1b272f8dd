/* The steps of a plan on one block of rows.  Included once for each instruction set and way of rounding. */

#include "_tiles.h"

/* Columns of a step: contiguous ones where they lie, others gathered. */
TARGET static const double *TILES(columns)(const Columns *in, const Block *b, double *room, long *stride) {
    if (!in->places) {
        *stride = in->step * b->stride;
        return b->table + in->first * b->stride;
    }
    for (int i = 0; i < in->count; i++)
        memcpy(room + i * b->stride, b->table + in->places[i] * b->stride, b->padded * sizeof(double));
    *stride = b->stride;
    return room;
}

TARGET static void TILES(layer)(const Step *s, const Block *b) {
    long stride;
    const double *in = TILES(columns)(&s->in, b, b->room, &stride);
    const double *weights = (s->in_place ? b->parameters : b->uniform) + s->weight;
    TILES(Product) p = {s->members, b->padded, s->in.count, weights, s->row, s->column, in, stride,
                        b->table + s->out * b->stride, b->stride, s->start};
    p.last = s->op & ENDS_IN_ONE ? weights + p.K * p.ak : 0;
    p.is_relu = s->op & IS_RELU;
    p.gate = s->op & IS_GATED ? b->table + s->other.first * b->stride : 0;
    TILES(multiply)(p);
}

TARGET static void TILES(pairs)(const Step *s, const Block *b) {
    for (int m = 0; m < s->members; m++)
        TILES(add_pairs)(b->padded, b->stride, s->terms, s->pairs + 2 * m * s->terms, b->table, b->uniform, s->start,
                         b->table + (s->out + m) * b->stride);
}

TARGET static void TILES(apply)(const Step *s, const Block *b) {
    const double *x[MOST_INPUTS];
    double *g[MOST_INPUTS];
    const long S = b->stride;
    const int is_flat = s->is_flat && b->padded == S;    /* what lies behind the rows could raise flags */
    for (int m = 0; m < s->members; m++) {
        for (int j = 0; j < s->terms; j++) {
            x[j] = b->table + s->in.places[j * s->members + m] * S;
            g[j] = b->table + s->slopes[j * s->members + m] * S;
        }
        NAME(LANES_OF)[s->op](is_flat ? s->members * S : b->padded, x, s->constants, b->table + (s->out + m) * S, g);
        if (is_flat) return;
    }
}

TARGET static void TILES(rows)(const Step *s, const Block *b) {
    const double **x = (const double **)b->pointers;
    double **g = (double **)b->pointers + s->terms;
    for (int m = 0; m < s->members; m++) {
        for (int i = 0; i < s->terms; i++) {
            x[i] = b->table + s->in.places[m * s->terms + i] * b->stride;
            g[i] = b->table + s->slopes[m * s->terms + i] * b->stride;
        }
        NAME(ROWS_OF)[s->op](b->padded, s->length, x, s->constants, b->table + (s->out + m) * b->stride, g, b->room);
    }
}

TARGET static void TILES(run_steps)(const Step *s, const Step *end, const Block *b) {
    for (; s < end; s++) switch (s->kind) {
        case LAYER: TILES(layer)(s, b); break;
        case PAIRS: TILES(pairs)(s, b); break;
        case APPLY: TILES(apply)(s, b); break;
        case ROWS: TILES(rows)(s, b); break;
    }
}

/* Columns as rows of `width` numbers, one for each row of the block and term: the last row of the block first. */
TARGET static void TILES(turned)(const Columns *in, int terms, long width, const Block *b, double *to) {
    const long n = in->count / terms, rows = b->rows * terms;
    if (n < width)                      /* what is beyond is multiplied too */
        for (long k = 0; k < rows; k++) for (long i = width - 8; i < width; i += VL) AT(to + k * width + i) = (V){0};
    to += (rows - terms) * width;
    for (int t = 0; t < terms; t++) for (long i = 0, count; i < n; i += count) {
        const long first = i * terms + t;
        count = in_a_row(in, first, terms);
        TILES(turn)(count, b->rows, b->table + place_of(in, first) * b->stride, step_of(in, first, terms) * b->stride,
                    to + t * width + i, -terms * width);
    }
}

/* Which rows of these columns are not 0, 64 rows a word, column after column.  Are they so few that it pays to leave
   out the others? */
TARGET static int TILES(are_sparse)(const Columns *in, const Block *b, uint64_t *chosen) {
    long count = 0;
    for (long i = 0; i < in->count; i++) for (long k = 0; k < b->rows; k += WORD) {
        const long rows = b->rows - k < WORD ? b->rows - k : WORD;
        *chosen = TILES(not_zero)(b->table + place_of(in, i) * b->stride + k, rows);
        count += __builtin_popcountll(*chosen++);
    }
    return 8 * count < 5 * in->count * b->rows;
}

/* Add the rows that were turned, times the numbers of the other columns, to sums that lie so far apart. */
TARGET static void TILES(add_all)(const Columns *in, const Block *b, const double *turned, long wide, double *sums,
                                  long step) {
    for (long i = 0, count; i < in->count; i += count) {
        count = in_a_row(in, i, 1);
        TILES(multiply)((TILES(Product)){
            count, wide, b->rows, b->table + place_of(in, i) * b->stride + b->rows - 1, step_of(in, i, 1) * b->stride,
            -1, turned, wide, sums + i * step, step, b->goes_on ? NAN : 0.0});
    }
}

/* The same without the products that are 0: a sum that is not -0 stays what it is. */
TARGET static void TILES(add_some)(const Columns *in, const Block *b, const uint64_t *chosen, const double *turned,
                                   long wide, double *sums, long step) {
    const long words = (b->rows + WORD - 1) / WORD, most = TILES(ROW_VECTORS) * VL;
    for (long n = 0; n < wide; n += most) for (long word = words - 1; word >= 0; word--) {
        const long vectors = (wide - n < most ? wide - n : most) / VL;
        const long last = word < words - 1 ? (word + 1) * WORD - 1 : b->rows - 1;
        for (long i = 0; i < in->count; i++)
            TILES(add_rows)(chosen[i * words + word], b->table + place_of(in, i) * b->stride + last,
                            turned + (b->rows - 1 - last) * wide + n, wide, vectors, sums + i * step + n,
                            b->goes_on || word < words - 1);
    }
}

/* Gradients of parameters: sums over rows, last to first, of adjoints times lanes, one chain each.  The other side is
   turned, a few columns at a time. */
TARGET static void TILES(outer)(const Step *s, const Block *b) {
    double *turned = b->room;
    uint64_t *chosen = (uint64_t *)(turned + b->rows * PANEL);
    const int skips = s->members >= WIDE_ENOUGH && !s->has_minus_zero && TILES(are_sparse)(&s->in, b, chosen);
    const long step = (s->members + 7) & ~7L;
    for (int n = 0; n < s->members; n += PANEL) {
        const Columns some = some_of(&s->other, n, PANEL);
        const long wide = (some.count + 7) & ~7L;
        TILES(turned)(&some, 1, wide, b, turned);
        if (skips && are_finite(turned, b->rows * wide))            /* 0 times infinity is not 0 */
            TILES(add_some)(&s->in, b, chosen, turned, wide, s->sums + n, step);
        else TILES(add_all)(&s->in, b, turned, wide, s->sums + n, step);
    }
}

/* The same where a row has several terms, and both sides are turned. */
TARGET static void TILES(outer_of_terms)(const Step *s, const Block *b) {
    const long count = s->in.count / s->terms, wide = (s->members + 7) & ~7L, in_wide = (count + 7) & ~7L;
    double *turned = b->room, *in = turned + b->rows * s->terms * wide;
    TILES(turned)(&s->other, s->terms, wide, b, turned);
    TILES(turned)(&s->in, s->terms, in_wide, b, in);
    TILES(multiply)((TILES(Product)){
        count, wide, b->rows * s->terms, in, 1, in_wide, turned, wide, s->sums, wide, b->goes_on ? NAN : 0.0});
}

/* The same for parameters that are alone: eight chains at a time. */
TARGET static void TILES(chains)(const Step *s, const Block *b) {
    const int n = s->terms, *pairs = s->pairs;
    if (!b->goes_on) memset(s->sums, 0, s->members * sizeof(double));
    for (int m = 0; m < s->members; m += 8, pairs += 16 * n) {
        const int have = s->members - m < 8 ? s->members - m : 8;
        double *sums = s->sums + m;
        for (long k = b->rows - 1; k >= 0; k--) for (int i = 0; i < n; i++) for (int q = 0; q < have; q++) {
            const int *pair = pairs + 2 * (q * n + i);
            sums[q] += b->table[pair[0] * b->stride + k] * b->table[pair[1] * b->stride + k];
        }
    }
}

TARGET static void TILES(run_outer)(const Step *s, const Step *end, const Block *b) {
    for (; s < end; s++) {
        if (s->kind == CHAINS) TILES(chains)(s, b);
        else if (s->terms > 1) TILES(outer_of_terms)(s, b);
        else TILES(outer)(s, b);
    }
}

static const Runner TILES(RUNNER) = {TILES(turn), TILES(run_steps), TILES(run_outer)};

#undef V
#undef I
#undef AT
#undef VL
