// What is said to the answers of a quiz: they are compared as whole numbers over whole numbers, so nothing is rounded.
const quiz_replies = words => {
  const same = (given, wanted) => typeof wanted === "string" ? given === wanted
    : given.top * BigInt(wanted[1]) === BigInt(wanted[0]) * given.bottom;

  // text   what was written or chosen
  // blank  {answer, wrong: [[answer, reason], …]}, a number as [top, bottom], a choice as its text
  return (text, blank) => {
    if (!text.trim()) return { isRight: false, text: "" };
    const given = typeof blank.answer === "string" ? text : /e/i.test(text) ? null : readNumber(text);
    if (given === null) return { isRight: false, text: words.no_number };
    if (same(given, blank.answer)) return { isRight: true, text: words.right };
    const slip = blank.wrong.find(([answer]) => same(given, answer));
    return { isRight: false, text: slip ? words.wrong_since.replace("{reason}", () => slip[1]) : words.wrong };
  };
};
