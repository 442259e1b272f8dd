// A quiz: answers are compared as whole numbers over whole numbers, so nothing is rounded.
const { words, items } = JSON.parse(document.getElementById("data").textContent);
const NUMBER = /^\s*([+-]?)\s*(?:(\d{1,15})\s*\/\s*(\d{1,15})|(\d{0,15})(?:\.(\d{0,15}))?)\s*$/;
const right = new Set();

// "3/4" and "0.75" as [3n, 4n] and [75n, 100n]; null for what is no number.
const read = text => {
  const found = NUMBER.exec(text.replaceAll("−", "-"));
  if (!found || !/\d/.test(text)) return null;
  const [, sign, over, under, whole, part = ""] = found;
  const top = BigInt(over ?? (whole + part)), bottom = over ? BigInt(under) : 10n ** BigInt(part.length);
  return bottom ? [sign === "-" ? -top : top, bottom] : null;
};
const same = (given, wanted) => typeof wanted === "string" ? given === wanted
  : given[0] * BigInt(wanted[1]) === BigInt(wanted[0]) * given[1];

const replyTo = (given, blank) => {
  if (given === null) return { text: words.no_number };
  if (same(given, blank.answer)) return { isRight: true, text: words.right };
  const slip = blank.wrong.find(([answer]) => same(given, answer));
  return { text: slip ? words.wrong_since.replace("{reason}", () => slip[1]) : words.wrong };
};

items.forEach((blanks, i) => {
  const section = document.getElementById(`q${i + 1}`);
  const places = [...section.querySelectorAll(".blanks > label, .blanks > fieldset")];
  const said = [...section.querySelectorAll(".said")];
  const given = (place, blank) => typeof blank.answer === "string"
    ? place.querySelector(":checked")?.value ?? "" : place.querySelector("input").value;
  const check = () => {
    const replies = blanks.map((blank, k) => {
      const text = given(places[k], blank);
      if (!text) return { text: "" };
      return replyTo(typeof blank.answer === "string" ? text : read(text), blank);
    });
    replies.forEach((reply, k) => {
      said[k].textContent = reply.text;
      said[k].className = `said ${reply.isRight ? "right" : "wrong"}`;
    });
    right[replies.every(reply => reply.isRight) ? "add" : "delete"](i);
    document.getElementById("score").textContent =
      words.score.replace("{count}", right.size).replace("{all}", items.length);
  };
  const button = section.querySelector(".check");
  button.hidden = false;
  button.addEventListener("click", check);
  section.addEventListener("keydown", event => {
    if (event.key === "Enter" && event.target.tagName === "INPUT") check();
  });
});
