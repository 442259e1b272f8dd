/* exp, expm1, tanh and log1p of a vector.  Included twice for each instruction set that has vectors worth it.

   exp is the method of Szabolcs Nagy (ARM, optimized-routines): x = k ln2/128 + r, and exp(x) = 2^(k/128) (1 + p(r)),
   where 2^(k/128) comes from a table.  expm1, tanh and log1p are the methods of fdlibm (Sun, 1993), with polynomials
   added up in the order of glibc.

   METHOD(x)                   the name of a function here
   MULTIPLY_ADD(a, b, c)       a * b + c, rounded once or twice: a C library may be built either way

   covers_f(x) says where f_of(x) is right, as a mask; f_of raises no IEEE flag of its own at these. */

INLINE I METHOD(covers_exp)(V x) { return (I)(x < 512.0) & ((I)(x > -512.0) | (I)(x < -746.0)); }

INLINE V METHOD(exp_of)(V given) {
    const I is_zero = (I)(given < -746.0);
    const V x = CHOOSE(is_zero, (V){0}, given);
    const V turns = MULTIPLY_ADD(ALL(0x1.71547652b82fep7), x, ALL(0x1.8p52)), k = turns - 0x1.8p52;
    const V r = MULTIPLY_ADD(k, ALL(-0x1.cf79abc9e3b39p-47), MULTIPLY_ADD(k, ALL(-0x1.62e42fefa0000p-8), x));
    const V rr = r * r;
    const I place = ((I)turns & 127) << 1;
    const V scale = (V)((I)LOOK_UP(EXP_TABLE + 1, place) + ((I)turns << 45));
    const V low = MULTIPLY_ADD(r, ALL(0x1.555555555543cp-3), ALL(0x1.ffffffffffdbdp-2));
    const V high = MULTIPLY_ADD(r, ALL(0x1.1111167a4d017p-7), ALL(0x1.55555cf172b91p-5));
    const V rest = MULTIPLY_ADD(rr * rr, high, MULTIPLY_ADD(rr, low, LOOK_UP(EXP_TABLE, place) + r));
    return CHOOSE(is_zero, (V){0}, MULTIPLY_ADD(scale, rest, scale));
}

INLINE I METHOD(covers_expm1)(V x) { return (I)(ABSOLUTE(x) < 44.5); }

INLINE V METHOD(expm1_of)(V x) {
    const V size = ABSOLUTE(x), near = ALL(0x1.71547652b82fep0) * size + 0.5, up = near + 0x1p52 - 0x1p52;
    const I is_reduced = (I)size > 0x3fd62e42ffffffffLL;        /* beyond ln2 / 2, in the first half of its digits */
    const V k = CHOOSE(is_reduced, SIGNED(up - CHOOSE((I)(up > near), ALL(1.0), (V){0}), x), (V){0});
    const V high = x - k * 0x1.62e42feep-1, tail = ALL(0x1.a39ef35793c76p-33);
    const V y = MULTIPLY_ADD(-k, tail, high), c = MULTIPLY_ADD(-k, tail, high - y);
    const V half = 0.5 * y, h = y * half, hh = h * h;
    const V first = MULTIPLY_ADD(h, ALL(-0x1.11111111110f4p-5), ALL(1.0));
    const V second = MULTIPLY_ADD(h, ALL(-0x1.4ce199eaadbb7p-14), ALL(0x1.a01a019fe5585p-10));
    const V third = MULTIPLY_ADD(h, ALL(-0x1.afdb76e09c32dp-23), ALL(0x1.0cfca86e65239p-18));
    const V r = MULTIPLY_ADD(hh * hh, third, MULTIPLY_ADD(hh, second, first));
    const V t = MULTIPLY_ADD(-r, half, ALL(3.0)), e = h * ((r - t) / MULTIPLY_ADD(-y, t, ALL(6.0)));
    const V f = MULTIPLY_ADD(y, e - c, -c) - h, d = f - y;
    const V two = POWER_OF_TWO(k), less = POWER_OF_TWO(-k);
    V answer = CHOOSE((I)(k < 20.0), ((1.0 - less) - d) * two, ((y - (f + less)) + 1.0) * two);
    answer = CHOOSE((I)(k < -1.0) | (I)(k > 56.0), (1.0 - d) * two - 1.0, answer);
    answer = CHOOSE((I)(k == 1.0), CHOOSE((I)(y < -0.25), -2.0 * (f - (y + 0.5)), 1.0 - 2.0 * d), answer);
    answer = CHOOSE((I)(k == -1.0), -0.5 * d - 0.5, answer);
    answer = CHOOSE((I)(k == 0.0), y - MULTIPLY_ADD(y, e, -h), answer);
    return CHOOSE((I)(size < 0x1p-54), x, answer);
}

INLINE I METHOD(covers_tanh)(V x) { return (I)(x == x); }

INLINE V METHOD(tanh_of)(V x) {
    const V size = ABSOLUTE(x), most = CHOOSE((I)(size < 22.0), size, ALL(22.0));
    const I is_large = (I)(size >= 1.0);
    const V t = METHOD(expm1_of)(CHOOSE(is_large, 2.0 * most, -2.0 * most));
    const V part = CHOOSE(is_large, ALL(2.0), -t) / (t + 2.0);
    const V answer = CHOOSE((I)(size < 22.0), CHOOSE(is_large, 1.0 - part, part), ALL(1.0));
    return CHOOSE((I)(size < 0x1p-55), x, SIGNED(answer, x));
}

INLINE I METHOD(covers_log1p)(V x) { return (I)(x >= 0.0) & (I)(x < 0x1p52); }

INLINE V METHOD(log1p_of)(V x) {
    const V sum = 1.0 + x;
    const I is_near = (I)x < 0x3fda827a00000000LL;              /* to sqrt(2) - 1 no power of two is taken out */
    const I digits = (I)sum & 0xfffffffffffffLL, is_upper = digits >= 0x6a09e00000000LL;
    const V exponent = (V)(((I)sum >> 52) | 0x4330000000000000LL) - (0x1p52 + 1023);
    const V k0 = exponent + CHOOSE(is_upper, ALL(1.0), (V){0});
    const V k = CHOOSE(is_near, (V){0}, k0);
    const V lost = CHOOSE((I)(exponent > 0.0), 1.0 - (sum - x), x - (sum - 1.0)) / sum;
    const V c = CHOOSE(is_near, (V){0}, lost);
    const V kept = (V)(digits | 0x3ff0000000000000LL), f = CHOOSE(is_near, x, CHOOSE(is_upper, 0.5 * kept, kept) - 1.0);
    const I is_even = ~is_near & ((digits < 0x100000000LL) | (digits >= 0xffffd00000000LL));
    const V h = 0.5 * f * f, s = f / (2.0 + f), z = s * s, zz = z * z, zzzz = zz * zz;
    const V second = MULTIPLY_ADD(z, ALL(0x1.2492494229359p-2), ALL(0x1.999999997fa04p-2));
    const V third = MULTIPLY_ADD(z, ALL(0x1.7466496cb03dep-3), ALL(0x1.c71c51d8e78afp-3));
    const V fourth = MULTIPLY_ADD(z, ALL(0x1.2f112df3e5244p-3), ALL(0x1.39a09d078c69fp-3));
    const V start = MULTIPLY_ADD(z, ALL(0x1.5555555555593p-1), zz * second);
    const V r = MULTIPLY_ADD(zzzz * zz, fourth, MULTIPLY_ADD(zzzz, third, start));
    const V high = k * 0x1.62e42feep-1, low = k * 0x1.a39ef35793c76p-33 + c;
    const V even = high - ((h * (1.0 - 0x1.5555555555555p-1 * f) - low) - f);
    const V far = high - ((h - (s * (h + r) + low)) - f), close = f - (h - s * (h + r));
    const V tiny = CHOOSE((I)(x < 0x1p-54), x, x - x * x * 0.5);
    return CHOOSE((I)(x < 0x1p-29), tiny, CHOOSE(is_even, even, CHOOSE(is_near, close, far)));
}
