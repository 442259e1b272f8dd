/* One batch through the steps of a plan: blocks of rows, the last block first, on one thread or on several.

   A thread takes the next block through the forward and the backward steps, in a table of its own.  Then it adds to
   the gradients of the parameters, one part of them after the other, and to each part when that block's turn has come:
   no sum is ever split, so there are the same bits on any number of threads. */

#include <sched.h>
#include <sys/mman.h>

enum { FLAGS = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW };

/* Of a batch, in products: Python's other threads wait for a brief one; a short one stays on its thread; and after a
   long time somebody may have pressed Ctrl-C.  PATIENCE is how often a thread looks before it gives way. */
enum { PATIENCE = 2000, BRIEF = 10000, SHORT = 500000, LONG = 20000000 };

/* Numbers of a batch: rows of `width` numbers, which lie `row` numbers apart. */
typedef struct { const double *from; long row, width; } Argument;

/* Where a thread computes: its columns, and room besides. */
typedef struct { double *table, *room; void **pointers; } Place;

/* Gradients that a step has added up: number (i, m) belongs to the parameter at where[i * members + m], which for the
   next m is the next one if they are straight. */
typedef struct { double *sums; const int *where; int rows, members, wide, is_straight; } Share;

typedef struct {
    const Runner *runner;
    Step *steps;
    int forward, backward;              /* where the forward and the backward steps end, */
    int parts;                          /* and where each part begins of those that add up gradients of parameters */
    const int *outer;
    long *turn;                         /* for each part, the block that comes next */
    int arguments;
    Argument *argument;
    int fills;                          /* columns of what is the same for all rows, and the numbers they hold */
    const int *filled, *fillings;
    int results, late, loss;            /* columns that are wanted, after the backward steps if they are late; the */
    const int *result;                  /* column of the loss then */
    double *answers;                    /* which go here, one column after the other */
    int seed_column;                    /* -1 without backward steps */
    double seed;
    double *uniform;
    const double *parameters;
    long rows, block, blocks, stride;
    int goes_on;                        /* do sums of gradients begin with what is there, not with 0? */
    long next;                          /* the block that no thread has taken yet */
    int finished;
    Place *places;                      /* one for each thread */
    int is_careful, is_doubtful, is_stopped;
    int (*interrupted)(void);           /* did somebody press Ctrl-C?  It is asked from time to time: */
    long patience;                      /* after so many blocks */
} Work;

static int is_stopped(const Work *w) { return __atomic_load_n(&w->is_stopped, __ATOMIC_ACQUIRE); }
static void doubt(Work *w) { __atomic_store_n(&w->is_doubtful, 1, __ATOMIC_RELAXED); }

/* Wait a little; after some time the other thread may need the processor. */
static void wait(long times) {
    if (times > PATIENCE) sched_yield();
}

/* Wait until it is the turn of a block; 0 if the work was stopped. */
static int wait_for_turn(const Work *w, const long *turn, long block) {
    for (long times = 0; __atomic_load_n(turn, __ATOMIC_ACQUIRE) != block; times++) {
        if (is_stopped(w)) return 0;
        wait(times);
    }
    return 1;
}

/* Zeros, in large pages where there are such. */
static double *new_table(long count) {
    const size_t bytes = count * sizeof(double), large = 1 << 21;
    void *made = NULL;
    if (posix_memalign(&made, bytes < large ? 64 : large, bytes)) return NULL;
#ifdef MADV_HUGEPAGE
    if (bytes >= large) madvise(made, bytes, MADV_HUGEPAGE);
#endif
    return memset(made, 0, bytes);
}

static Block block_of(const Work *w, int thread, long i) {
    const Place *place = w->places + thread;
    const long left = w->rows - i * w->block, rows = left < w->block ? left : w->block;
    return (Block){rows, (rows + 7) & ~7L, w->stride, place->table, place->room, w->parameters, w->uniform,
                   place->pointers, w->goes_on || i + 1 < w->blocks};
}

static void fill(double *column, double number, long count) {
    for (long k = 0; k < count; k++) column[k] = number;
}

/* The rows of a block as columns; padding repeats the last row, so that it raises no flag of its own. */
static void load(const Work *w, const Block *b, long first) {
    double *to = b->table;
    for (const Argument *a = w->argument; a < w->argument + w->arguments; a++, to += a[-1].width * b->stride)
        w->runner->load(b->rows, a->width, a->from + first * a->row, a->row, to, b->stride);
    if (b->rows < b->padded)
        for (double *column = b->table; column < to; column += b->stride)
            fill(column + b->rows, column[b->rows - 1], b->padded - b->rows);
}

static void keep_results(const Work *w, const Block *b, long first) {
    for (int q = 0; q < w->results; q++) {
        double *to = w->answers + q * w->rows + first;
        if (w->result[q] < 0) fill(to, 0.0, b->rows);
        else memcpy(to, b->table + w->result[q] * b->stride, b->rows * sizeof(double));
    }
}

/* Flags that an op raises say nothing if its results are finite: a rule may compute what it does not choose, and
   local gradients are not looked at before they are needed. */
static int is_harmless(const Step *s, const Block *b) {
    if (s->kind != APPLY && s->kind != ROWS) return 0;
    for (int m = 0; m < s->members; m++)
        if (!are_finite(b->table + (s->out + m) * b->stride, b->rows)) return 0;
    return 1;
}

static void run_steps(Work *w, const Step *s, const Step *end, const Block *b) {
    if (!w->is_careful) {
        w->runner->steps(s, end, b);
        return;
    }
    for (; s < end; s++) {
        feclearexcept(FLAGS);
        w->runner->steps(s, s + 1, b);
        if ((s->is_quiet || fetestexcept(FLAGS)) && !is_harmless(s, b)) doubt(w);
    }
    feclearexcept(FLAGS);
}

/* The flags that a step raises. */
static int run_alone(const Runner *runner, const Step *s, const Block *b) {
    feclearexcept(FLAGS);
    runner->steps(s, s + 1, b);
    return fetestexcept(FLAGS);
}

static void pass(Work *w, const Block *b, long first) {
    load(w, b, first);
    run_steps(w, w->steps, w->steps + w->forward, b);
    if (!w->late) keep_results(w, b, first);
    else if (!are_finite(b->table + w->loss * b->stride, b->rows)) doubt(w);        /* nan has gradients of nan */
    if (w->seed_column < 0) return;
    fill(b->table + w->seed_column * b->stride, w->seed, b->stride);
    run_steps(w, w->steps + w->forward, w->steps + w->backward, b);
    if (w->late) keep_results(w, b, first);
}

static void add_up(Work *w, const Block *b, long i) {
    for (int part = 0; part < w->parts && wait_for_turn(w, w->turn + part, i); part++) {
        w->runner->outer(w->steps + w->outer[part], w->steps + w->outer[part + 1], b);
        __atomic_store_n(w->turn + part, i - 1, __ATOMIC_RELEASE);
    }
}

/* What a thread does for a batch; thread 0 asks for Ctrl-C. */
static void work(Work *w, int thread) {
    long i, done = 0;
    feclearexcept(FLAGS);
    for (int q = 0; q < w->fills; q++)
        fill(w->places[thread].table + w->filled[q] * w->stride, w->uniform[w->fillings[q]], w->stride);
    while (!is_stopped(w) && (i = __atomic_fetch_sub(&w->next, 1, __ATOMIC_RELAXED)) >= 0) {
        const Block b = block_of(w, thread, i);
        pass(w, &b, i * w->block);
        add_up(w, &b, i);
        if (!thread && ++done % w->patience == 0 && w->interrupted())
            __atomic_store_n(&w->is_stopped, 1, __ATOMIC_RELEASE);
    }
    if (fetestexcept(FLAGS)) doubt(w);
    __atomic_add_fetch(&w->finished, 1, __ATOMIC_RELEASE);
}

/* Until so many threads have left the work, and touch nothing any more. */
static void wait_for(const Work *w, int threads) {
    for (long times = 0; __atomic_load_n(&w->finished, __ATOMIC_ACQUIRE) < threads; times++) wait(times);
}

/* The sum of a column, in the order of its rows. */
static double sum_of(const double *x, long count) {
    double sum = -0.0;
    for (long k = 0; k < count; k++) sum += x[k];
    return sum;
}

static int share_is_finite(const Share *s) {
    for (int i = 0; i < s->rows; i++) if (!are_finite(s->sums + i * (long)s->wide, s->members)) return 0;
    return 1;
}

/* Let sums of a step begin with what is there; is any of that -0? */
static int begin(const Share *s, const double *gradients) {
    int has_minus_zero = 0;
    for (long i = 0; i < s->rows; i++)
        for (int m = 0; m < s->members; m++) {
            const double from = s->sums[i * s->wide + m] = gradients[s->where[i * s->members + m]];
            has_minus_zero |= from == 0 && signbit(from);
        }
    return has_minus_zero;
}

/* What `deliver` does where they lie in rows. */
static void deliver_rows(const Share *s, double *restrict gradients, int add) {
    for (long i = 0; i < s->rows; i++) {
        double *gradient = gradients + s->where[i * s->members];
        const double *sums = s->sums + i * s->wide;
        if (add) for (int m = 0; m < s->members; m++) gradient[m] += sums[m];
        else memcpy(gradient, sums, s->members * sizeof(double));
    }
}

/* The sums of a step go to their parameters, or are added there; a few rows at a time, as these may lie in columns. */
static void deliver(const Share *s, double *gradients, int add) {
    if (s->is_straight) {
        deliver_rows(s, gradients, add);
        return;
    }
    for (int first = 0; first < s->rows; first += 8) {
        const int end = first + 8 < s->rows ? first + 8 : s->rows;
        for (int m = 0; m < s->members; m++)
            for (long i = first; i < end; i++) {
                double *gradient = gradients + s->where[i * s->members + m];
                *gradient = (add ? *gradient : -0.0) + s->sums[i * s->wide + m];
            }
    }
}
