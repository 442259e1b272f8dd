// What people write as a number: "3/4", "-0.75", "7.5e-1".
const NUMBER = /^\s*([+-]?)\s*(?:(\d{1,20})\s*\/\s*(\d{1,20})|(\d{0,20})(?:\.(\d{0,20}))?(?:e([+-]?\d{1,3}))?)\s*$/i;

// It as one whole number over another, so that nothing is rounded; null for what is no number.
// slack: by how much it may be off, if it was rounded to the digits that are written.
function readNumber(text) {
  const plain = text.replaceAll("−", "-"), found = NUMBER.exec(plain);
  if (!found || !/\d/.test(plain.split(/e/i)[0])) return null;
  const [, sign, over, under, whole, part, exponent = "0"] = found, places = +exponent - (part ?? "").length;
  const top = BigInt(over ?? whole + (part ?? "")) * 10n ** BigInt(over ? 0 : Math.max(0, places));
  const bottom = over ? BigInt(under) : 10n ** BigInt(Math.max(0, -places));
  if (!bottom) return null;
  const value = (sign === "-" ? -1 : 1) * (over ? over / under : Number(`${whole || 0}.${part || 0}e${exponent}`));
  const isRounded = !over && (part !== undefined || found[6] || whole.length > 5);
  return {top: sign === "-" ? -top : top, bottom, value, slack: isRounded ? 10 ** places / 2 : 0};
}
