// Python's random numbers: from the same seed come the same weights and the same order of examples as on the desktop.
// This is the Mersenne Twister of Matsumoto and Nishimura, 1998, as Python seeds it; a text is hashed by SHA-512 first.
const python_random = (() => {
  const WORDS = 624, WORD = (1n << 64n) - 1n;

  // ---- SHA-512 (FIPS 180-4): its constants are the first bits of roots of primes

  function primes(count) {
    const found = [];
    for (let n = 2; found.length < count; n++) if (found.every(p => n % p)) found.push(n);
    return found;
  }
  // The first 64 bits behind the point of the root of this degree.
  function bitsOfRoot(prime, degree) {
    const wanted = BigInt(prime) << BigInt(64 * degree);
    let low = 0n, high = 1n << 70n;
    while (high - low > 1n) {
      const middle = (low + high) / 2n;
      if (middle ** BigInt(degree) <= wanted) low = middle; else high = middle;
    }
    return low & WORD;
  }
  const starts = primes(8).map(p => bitsOfRoot(p, 2)), constants = primes(80).map(p => bitsOfRoot(p, 3));
  const turned = (x, by) => (x >> BigInt(by) | x << BigInt(64 - by)) & WORD;

  function padded(bytes) {
    const length = Math.ceil((bytes.length + 17) / 128) * 128, all = new Uint8Array(length);
    all.set(bytes);
    all[bytes.length] = 128;
    new DataView(all.buffer).setUint32(length - 4, 8 * bytes.length);
    return new DataView(all.buffer);
  }
  function scheduled(view, start) {
    const w = Array.from({length: 16}, (_, i) => view.getBigUint64(start + 8 * i));
    for (let i = 16; i < 80; i++) {
      const near = w[i - 15], far = w[i - 2];
      const one = turned(near, 1) ^ turned(near, 8) ^ near >> 7n, two = turned(far, 19) ^ turned(far, 61) ^ far >> 6n;
      w[i] = w[i - 16] + one + w[i - 7] + two & WORD;
    }
    return w;
  }
  function sha512(bytes) {
    const view = padded(bytes);
    let state = [...starts];
    for (let start = 0; start < view.byteLength; start += 128) {
      const w = scheduled(view, start);
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 80; i++) {
        const one = h + (turned(e, 14) ^ turned(e, 18) ^ turned(e, 41)) + (e & f ^ ~e & WORD & g) + constants[i] + w[i];
        const two = (turned(a, 28) ^ turned(a, 34) ^ turned(a, 39)) + (a & b ^ a & c ^ b & c);
        [a, b, c, d, e, f, g, h] = [one + two & WORD, a, b, c, d + one & WORD, e, f, g];
      }
      state = [a, b, c, d, e, f, g, h].map((x, i) => x + state[i] & WORD);
    }
    return state;
  }

  // ---- seeds

  // A whole number as words of 32 bits, the lowest first.
  function wordsOf(number) {
    const words = [];
    for (let rest = number; rest; rest >>= 32n) words.push(Number(rest & 0xffffffffn));
    return words.length ? words : [0];
  }
  function numberOf(text) {
    const bytes = new TextEncoder().encode(text);
    let number = 0n;
    for (const byte of bytes) number = number << 8n | BigInt(byte);
    for (const word of sha512(bytes)) number = number << 64n | word;
    return number;
  }

  class Random {
    // seed   a whole number or a text
    constructor(seed) {
      const number = typeof seed === "string" ? numberOf(seed) : BigInt(seed);
      this.state = new Uint32Array(WORDS);
      this.at = WORDS;
      this.second = null;
      this.seed(wordsOf(number < 0n ? -number : number));
    }
    seed(key) {
      const {state} = this;
      state[0] = 19650218;
      const mixed = (i, by) => Math.imul(state[i - 1] ^ state[i - 1] >>> 30, by);
      for (let i = 1; i < WORDS; i++) state[i] = mixed(i, 1812433253) + i;
      let i = 1, j = 0;
      const next = () => { if (++i >= WORDS) { state[0] = state[WORDS - 1]; i = 1; } };
      for (let k = Math.max(WORDS, key.length); k; k--, j = (j + 1) % key.length) {
        state[i] = (state[i] ^ mixed(i, 1664525)) + key[j] + j;
        next();
      }
      for (let k = WORDS - 1; k; k--) {
        state[i] = (state[i] ^ mixed(i, 1566083941)) - i;
        next();
      }
      state[0] = 0x80000000;
    }
    twist() {
      const {state} = this;
      for (let i = 0; i < WORDS; i++) {
        const y = state[i] & 0x80000000 | state[(i + 1) % WORDS] & 0x7fffffff;
        state[i] = state[(i + 397) % WORDS] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    word() {
      if (this.at === WORDS) this.twist();
      let y = this.state[this.at++];
      y ^= y >>> 11;
      y ^= y << 7 & 0x9d2c5680;
      y ^= y << 15 & 0xefc60000;
      return (y ^ y >>> 18) >>> 0;
    }
    // From 0 to below 1.
    random() {
      return ((this.word() >>> 5) * 67108864 + (this.word() >>> 6)) / 9007199254740992;
    }
    uniform(low, high) {
      return low + (high - low) * this.random();
    }
    // Normal with this standard deviation; every second one was computed with the one before.
    gauss(deviation) {
      let z = this.second;
      this.second = null;
      if (z === null) {
        const angle = this.random() * 2 * Math.PI, distance = Math.sqrt(-2 * Math.log(1 - this.random()));
        z = Math.cos(angle) * distance;
        this.second = Math.sin(angle) * distance;
      }
      return z * deviation;
    }
    // A whole number from 0 to below n.
    below(n) {
      const bits = 32 - Math.clz32(n);
      let drawn;
      do drawn = this.word() >>> 32 - bits; while (drawn >= n);
      return drawn;
    }
    shuffle(list) {
      for (let i = list.length - 1; i > 0; i--) {
        const j = this.below(i + 1);
        [list[i], list[j]] = [list[j], list[i]];
      }
      return list;
    }
  }
  return {Random};
})();
