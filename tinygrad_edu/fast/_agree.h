/* Whether a function over lanes has the bits of the C library's own: compared at a million points, once a process. */

typedef void OfLanes(long n, const double *x, double *out);

/* Where methods change from one formula to the next, what is hard to round, and what is no usual number. */
static const double TURNS[] = {
    0.0, 0x1p-1074, 0x1p-1022, 0x1p-55, 0x1p-54, 0x1p-29, 0x1.9e9cbbfd6080bp-31, 0x1p-20, 0.25, 0x1.62e42fefa39efp-2,
    0x1.62e42p-2, 0x1.62e43p-2, 0x1.a827ap-2, 0.5, 0x1.62e42fefa39efp-1, 0x1.6a09ep-1, 1.0, 0x1.0a2b2p0, 0x1.6a09ep0,
    0x1.83d4bcdebb3f4p2, 22.0, 0x1.62e42fefa39efp5, 44.5, 511.0, 512.0, 707.5, 708.0, 709.0, 745.0, 746.0, 0x1p20,
    0x1p52, 0x1p53, 0x1p1000, INFINITY, NAN};
enum { TURN_COUNT = sizeof TURNS / sizeof *TURNS, AT_ONCE = 512, ROUNDS = 2048 };

static int agree_at(OfLanes *lanes, OfLanes *library, const double *x) {
    double one[AT_ONCE], other[AT_ONCE];
    lanes(AT_ONCE, x, one);
    library(AT_ONCE, x, other);
    for (int i = 0; i < AT_ONCE; i++)
        if (one[i] == one[i] && memcmp(one + i, other + i, sizeof(double))) return 0;
    for (int i = 0; i < AT_ONCE; i++) if ((one[i] == one[i]) != (other[i] == other[i])) return 0;
    return 1;
}

/* Points between -4 and 4, between -64 and 64, -1024 and 1024, and of all sizes; their digits come from the golden
   ratio. */
static int agrees(OfLanes *lanes, OfLanes *library) {
    static const double SCALES[] = {4.0, 64.0, 1024.0};
    double x[AT_ONCE], part = 0.0;
    fenv_t before;
    int good = 1;
    feholdexcept(&before);
    for (int i = 0; i < AT_ONCE; i++) {         /* each turn, and what lies around it, on both sides of 0 */
        const double turn = TURNS[i / 2 % TURN_COUNT];
        const long long apart = i / 2 / TURN_COUNT - 3;
        long long bits;
        memcpy(&bits, &turn, sizeof bits);
        bits = turn > 0.0 && turn < INFINITY ? bits + apart : bits;
        memcpy(x + i, &bits, sizeof bits);
        x[i] = i % 2 ? -x[i] : x[i];
    }
    good = agree_at(lanes, library, x);
    for (int round = 0; good && round < ROUNDS; round++) {
        for (int i = 0; i < AT_ONCE; i++) {
            part += 0x1.3c6ef372fe94fp-1;
            part -= part >= 1.0;
            x[i] = (2.0 * part - 1.0) * (round % 4 < 3 ? SCALES[round % 4] : 1.0);
            if (round % 4 == 3) x[i] = ldexp(x[i], i % 80 - 70);
        }
        good = agree_at(lanes, library, x);
    }
    fesetenv(&before);
    return good;
}
