/* The workloads written out by hand: the same sums and products as the graphs, forward and
   backward, in loops over arrays.  Nothing is recorded and no node exists, so this is what the
   machine itself allows for these graphs, one number after the other.

   Every program takes the leaves x and plain data (n numbers), writes the gradients g of the
   leaves, and returns the result. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef double program(const double *x, double *g, const double *data, long n);

double repeated(program *run, long times, const double *x, double *g, const double *data, long n)
{
    double result = 0;
    while (times--) result = run(x, g, data, n);
    return result;
}

/* ---- the expression of micrograd's README -------------------------------------------------------- */

double readme(const double *x, double *g, const double *data, long n)
{
    double a = x[0], b = x[1], p = b + a, m = b - a;
    double c0 = a + b, c1 = c0 + (c0 + 1), c2 = c1 + (1 + c1 + -a);
    double d0 = a * b + b * b * b, d1 = d0 + (d0 * 2 + (p > 0 ? p : 0)), d2 = d1 + (3 * d1 + (m > 0 ? m : 0));
    double e = c2 - d2, f = e * e, result = f / 2 + 10 / f;

    double to_e = (0.5 - 10 / (f * f)) * 2 * e;
    double to_c1 = 2 * to_e, to_c0 = 2 * to_c1;
    double to_d2 = -to_e, to_d1 = 4 * to_d2, to_d0 = 3 * to_d1;
    double to_p = p > 0 ? to_d1 : 0, to_m = m > 0 ? to_d2 : 0;
    g[0] = to_c0 - to_e + to_d0 * b + to_p - to_m;
    g[1] = to_c0 + to_d0 * (a + 3 * b * b) + to_p + to_m;
    return result;
}

/* ---- the 2-16-16-1 network: each neuron is a row of weights and, last, its bias -------------------- */

enum { INPUTS = 2, HIDDEN = 16 };

static void neurons(int inputs, const double *w, const double *x, double *z)
{
    for (int i = 0; i < HIDDEN; i++, w += inputs + 1) {
        z[i] = w[0] * x[0];
        for (int j = 1; j < inputs; j++) z[i] += w[j] * x[j];
        z[i] += w[inputs];
        z[i] = z[i] > 0 ? z[i] : 0;
    }
}

static void neurons_back(int inputs, const double *w, const double *x, const double *z, const double *to_z,
                         double *g, double *to_x)
{
    for (int i = 0; i < HIDDEN; i++, w += inputs + 1, g += inputs + 1) {
        double slope = z[i] > 0 ? to_z[i] : 0;
        for (int j = 0; j < inputs; j++) {
            g[j] += slope * x[j];
            if (to_x) to_x[j] += slope * w[j];
        }
        g[inputs] += slope;
    }
}

double network(const double *x, double *g, const double *data, long n)
{
    enum { SECOND = HIDDEN * (INPUTS + 1), LAST = SECOND + HIDDEN * (HIDDEN + 1), COUNT = LAST + HIDDEN + 1 };
    long points = n / (INPUTS + 1);
    double loss = 0;
    memset(g, 0, COUNT * sizeof *g);
    for (const double *point = data; point < data + n; point += INPUTS + 1) {
        double z1[HIDDEN], z2[HIDDEN], to_z1[HIDDEN] = {0}, to_z2[HIDDEN];
        neurons(INPUTS, x, point, z1);
        neurons(HIDDEN, x + SECOND, z1, z2);
        double error = x[LAST] * z2[0];
        for (int i = 1; i < HIDDEN; i++) error += x[LAST + i] * z2[i];
        error += x[LAST + HIDDEN] - point[INPUTS];
        loss += error * error;

        double slope = 2 * error / points;
        for (int i = 0; i < HIDDEN; i++) {
            g[LAST + i] += slope * z2[i];
            to_z2[i] = slope * x[LAST + i];
        }
        g[LAST + HIDDEN] += slope;
        neurons_back(HIDDEN, x + SECOND, z1, z2, to_z2, g + SECOND, to_z1);
        neurons_back(INPUTS, x, point, z1, to_z1, g, NULL);
    }
    return loss / points;
}

/* ---- chains and fans: the numbers on the way are kept, as a backward pass needs them ----------------- */

double chain(const double *x, double *g, const double *data, long n)
{
    long pairs = (long)data[0] / 2;
    double *kept = malloc((pairs + 1) * sizeof *kept), slope = 1;
    kept[0] = x[0];
    for (long i = 0; i < pairs; i++) kept[i + 1] = kept[i] * x[1] + x[2];
    g[1] = g[2] = 0;
    for (long i = pairs; i--; slope *= x[1]) {
        g[2] += slope;
        g[1] += slope * kept[i];
    }
    g[0] = slope;
    double result = kept[pairs];
    free(kept);
    return result;
}

double fan(const double *x, double *g, const double *data, long n)
{
    long count = ((long)data[0] + 1) / 2;
    double *row = malloc(count * sizeof *row);
    for (long i = 0; i < count; i++) row[i] = x[0] * x[1];
    for (long left = count; left > 1; left = (left + 1) / 2) {
        for (long i = 0; i < left / 2; i++) row[i] = row[2 * i] + row[2 * i + 1];
        if (left % 2) row[left / 2] = row[left - 1];
    }
    g[0] = g[1] = 0;
    for (long i = 0; i < count; i++) {
        g[0] += x[1];
        g[1] += x[0];
    }
    double result = row[0];
    free(row);
    return result;
}

/* ---- random graphs: a tape of (operation, place, place) that is read forth and back ------------------ */

enum { RELU, ADD, MUL };

double tape(const double *x, double *g, const double *data, long n)
{
    long width = data[0], count = 2 * width;            /* as many plain numbers as leaves */
    const double *steps = data + 1 + width, *end = data + n;
    long all = count + (end - steps) / 3;
    double *value = malloc(all * sizeof *value), *slope = calloc(all, sizeof *slope);
    memcpy(value, data + 1, width * sizeof *value);
    memcpy(value + width, x, width * sizeof *value);
    for (const double *step = steps; step < end; step += 3) {
        double a = value[(long)step[1]], b = value[(long)step[2]];
        value[count++] = step[0] == RELU ? (a > 0 ? a : 0) : step[0] == ADD ? a + b : a * b;
    }
    double result = value[all - 1];
    slope[all - 1] = 1;
    for (const double *step = end - 3; step >= steps; step -= 3) {
        long first = step[1], second = step[2];
        double arrived = slope[--count];
        if (step[0] == RELU) slope[first] += value[first] > 0 ? arrived : 0;
        else {
            slope[first] += step[0] == ADD ? arrived : arrived * value[second];
            slope[second] += step[0] == ADD ? arrived : arrived * value[first];
        }
    }
    memcpy(g, slope + width, width * sizeof *g);
    free(value);
    free(slope);
    return result;
}

/* ---- the GPT: one name, forward and backward, then Adam's first step; its layout is the notebook's --- */

enum { LETTERS = 27, WIDTH = 16, HEADS = 4, PART = WIDTH / HEADS, WIDE = 4 * WIDTH, LONGEST = 12 };

typedef struct {
    double letter[LETTERS][WIDTH], place[LONGEST][WIDTH];
    double query[WIDTH][WIDTH], key[WIDTH][WIDTH], value[WIDTH][WIDTH], mix[WIDTH][WIDTH];
    double widen[WIDE][WIDTH], narrow[WIDTH][WIDE], next[LETTERS][WIDTH];
} Weights;

typedef struct {                                    /* what one position computes */
    double x0[WIDTH], n0[WIDTH], q[WIDTH], k[WIDTH], v[WIDTH], shares[HEADS][LONGEST], gathered[WIDTH];
    double x1[WIDTH], n1[WIDTH], wide[WIDE], x2[WIDTH], n2[WIDTH], p[LETTERS], scale0, scale1, scale2;
} Position;

static void linear(int rows, int columns, const double *w, const double *x, double *y)
{
    for (int i = 0; i < rows; i++, w += columns) {
        y[i] = w[0] * x[0];
        for (int j = 1; j < columns; j++) y[i] += w[j] * x[j];
    }
}

static void linear_back(int rows, int columns, const double *w, const double *x, const double *to_y,
                        double *g, double *to_x)
{
    for (int i = 0; i < rows; i++, w += columns, g += columns)
        for (int j = 0; j < columns; j++) {
            g[j] += to_y[i] * x[j];
            to_x[j] += to_y[i] * w[j];
        }
}

static double normed(const double *x, double *y)
{
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += x[i] * x[i];
    double scale = 1 / sqrt(sum / WIDTH + 1e-5);
    for (int i = 0; i < WIDTH; i++) y[i] = x[i] * scale;
    return scale;
}

static void normed_back(const double *x, double scale, const double *to_y, double *to_x)
{
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += x[i] * to_y[i];
    sum *= scale * scale * scale / WIDTH;
    for (int i = 0; i < WIDTH; i++) to_x[i] += to_y[i] * scale - x[i] * sum;
}

static void softmax(int n, double *x)
{
    double top = x[0], sum = 0;
    for (int i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) sum += x[i] = exp(x[i] - top);
    for (int i = 0; i < n; i++) x[i] /= sum;
}

static void attention(Position *at, int t)
{
    memset(at[t].gathered, 0, sizeof at[t].gathered);
    for (int head = 0; head < HEADS; head++) {
        double *shares = at[t].shares[head];
        for (int s = 0; s <= t; s++) {
            shares[s] = 0;
            for (int i = head * PART; i < (head + 1) * PART; i++) shares[s] += at[t].q[i] * at[s].k[i];
            shares[s] /= sqrt(PART);
        }
        softmax(t + 1, shares);
        for (int s = 0; s <= t; s++)
            for (int i = head * PART; i < (head + 1) * PART; i++) at[t].gathered[i] += shares[s] * at[s].v[i];
    }
}

static void attention_back(const Position *at, Position *to, int t)
{
    for (int head = 0; head < HEADS; head++) {
        const double *shares = at[t].shares[head];
        double to_share[LONGEST], mean = 0;
        for (int s = 0; s <= t; s++) {
            to_share[s] = 0;
            for (int i = head * PART; i < (head + 1) * PART; i++) {
                to_share[s] += to[t].gathered[i] * at[s].v[i];
                to[s].v[i] += to[t].gathered[i] * shares[s];
            }
            mean += to_share[s] * shares[s];
        }
        for (int s = 0; s <= t; s++) {
            double slope = shares[s] * (to_share[s] - mean) / sqrt(PART);
            for (int i = head * PART; i < (head + 1) * PART; i++) {
                to[t].q[i] += slope * at[s].k[i];
                to[s].k[i] += slope * at[t].q[i];
            }
        }
    }
}

static void forward(const Weights *w, Position *at, int t, int token)
{
    Position *a = at + t;
    for (int i = 0; i < WIDTH; i++) a->x0[i] = w->letter[token][i] + w->place[t][i];
    a->scale0 = normed(a->x0, a->n0);
    linear(WIDTH, WIDTH, *w->query, a->n0, a->q);
    linear(WIDTH, WIDTH, *w->key, a->n0, a->k);
    linear(WIDTH, WIDTH, *w->value, a->n0, a->v);
    attention(at, t);
    linear(WIDTH, WIDTH, *w->mix, a->gathered, a->x1);
    for (int i = 0; i < WIDTH; i++) a->x1[i] += a->x0[i];
    a->scale1 = normed(a->x1, a->n1);
    linear(WIDE, WIDTH, *w->widen, a->n1, a->wide);
    for (int i = 0; i < WIDE; i++) a->wide[i] = a->wide[i] > 0 ? a->wide[i] : 0;
    linear(WIDTH, WIDE, *w->narrow, a->wide, a->x2);
    for (int i = 0; i < WIDTH; i++) a->x2[i] += a->x1[i];
    a->scale2 = normed(a->x2, a->n2);
    linear(LETTERS, WIDTH, *w->next, a->n2, a->p);
    softmax(LETTERS, a->p);
}

static void backward(const Weights *w, Weights *g, const Position *at, Position *to, int t, int token)
{
    const Position *a = at + t;
    Position *d = to + t;                           /* what arrived; d->p is the gradient of the scores */
    linear_back(LETTERS, WIDTH, *w->next, a->n2, d->p, *g->next, d->n2);
    normed_back(a->x2, a->scale2, d->n2, d->x2);
    linear_back(WIDTH, WIDE, *w->narrow, a->wide, d->x2, *g->narrow, d->wide);
    for (int i = 0; i < WIDE; i++) d->wide[i] = a->wide[i] > 0 ? d->wide[i] : 0;
    linear_back(WIDE, WIDTH, *w->widen, a->n1, d->wide, *g->widen, d->n1);
    for (int i = 0; i < WIDTH; i++) d->x1[i] += d->x2[i];
    normed_back(a->x1, a->scale1, d->n1, d->x1);
    linear_back(WIDTH, WIDTH, *w->mix, a->gathered, d->x1, *g->mix, d->gathered);
    attention_back(at, to, t);
    linear_back(WIDTH, WIDTH, *w->query, a->n0, d->q, *g->query, d->n0);
    linear_back(WIDTH, WIDTH, *w->key, a->n0, d->k, *g->key, d->n0);
    linear_back(WIDTH, WIDTH, *w->value, a->n0, d->v, *g->value, d->n0);
    for (int i = 0; i < WIDTH; i++) d->x0[i] += d->x1[i];
    normed_back(a->x0, a->scale0, d->n0, d->x0);
    for (int i = 0; i < WIDTH; i++) {
        g->letter[token][i] += d->x0[i];
        g->place[t][i] += d->x0[i];
    }
}

static void adam(long count, const double *x, const double *g, double *moved)
{
    static double means[sizeof(Weights) / sizeof(double)], squares[sizeof(Weights) / sizeof(double)];
    double beta1 = 0.9, beta2 = 0.99, rate = 0.01 * sqrt(1 - beta2) / (1 - beta1);
    for (long i = 0; i < count; i++) means[i] = squares[i] = 0;
    for (long i = 0; i < count; i++) {
        means[i] = beta1 * means[i] + (1 - beta1) * g[i];
        squares[i] = beta2 * squares[i] + (1 - beta2) * g[i] * g[i];
        moved[i] = x[i] - rate * means[i] / (sqrt(squares[i]) + 1e-8);
    }
}

double gpt(const double *x, double *g, const double *tokens, long n)
{
    long count = sizeof(Weights) / sizeof(double);
    const Weights *w = (const Weights *)x;
    Position at[LONGEST], to[LONGEST];
    int length = n - 1;
    double loss = 0;
    memset(to, 0, length * sizeof *to);
    memset(g, 0, sizeof(Weights));
    for (int t = 0; t < length; t++) {
        int following = tokens[t + 1];
        forward(w, at, t, tokens[t]);
        loss -= log(at[t].p[following]);
        for (int i = 0; i < LETTERS; i++) to[t].p[i] = (at[t].p[i] - (i == following)) / length;
    }
    for (int t = length; t--;) backward(w, (Weights *)g, at, to, t, tokens[t]);
    adam(count, x, g, g + count);
    return loss / length;
}
