// Numbers as Python writes them: `format` is format_number of engine/number.py, `short` is number_text of show/svg.py.
const numberTexts = (() => {
  const ALL_DIGITS = 17;

  // [digits, exponent] of a positive number, rounded to so many digits; a tie goes to the even digit.
  function rounded(size, digits) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    const found = mantissa.replace(".", ""), last = Number(found.at(-1));
    return [last % 2 && isTie(size, digits) ? found.slice(0, -1) + (last - 1) : found, Number(exponent)];
  }
  // Does it lie in the middle between two numbers of so many digits?  Browsers round it up then.
  const isTie = (size, digits) => size.toExponential(digits).includes("5e") &&
    /^50*$/.test(size.toExponential(100).split("e")[0].replace(".", "").slice(digits));

  function shortest(size) {
    const [mantissa, exponent] = size.toExponential().split("e");
    return [mantissa.replace(".", ""), Number(exponent)];
  }
  // The digits with their point, or with an exponent where that is below -4, or has reached the limit.
  function written([digits, exponent], limit) {
    const kept = digits.replace(/0+$/, "");
    if (exponent < -4 || exponent >= limit) {
      const point = kept.length > 1 ? `${kept[0]}.${kept.slice(1)}` : kept;
      return `${point}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
    }
    if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${kept}`;
    const whole = kept.slice(0, exponent + 1).padEnd(exponent + 1, "0"), rest = kept.slice(exponent + 1);
    return rest ? `${whole}.${rest}` : whole;
  }
  function format(x, digits = 6) {
    if (x === 0) return "0";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : x < 0 ? "-inf" : "nan";
    const size = Math.abs(x), sign = x < 0 ? "-" : "";
    if (size < 1e15 && Number.isInteger(x)) return sign + size;
    if (digits < ALL_DIGITS) return sign + written(rounded(size, digits), digits);
    return sign + written(shortest(size), 16) + (size < 1e16 && Number.isInteger(x) ? ".0" : "");
  }
  return {format, short: x => format(x, 5).replaceAll("-", "−")};
})();
