// What the engine says of operations that have no answer and of gradients that are no numbers, in its own sentences.
// It reads `rules` and `operations`, which show/rules.py prints, and number.js.
const domain = (() => {
  const FEWEST = 6, ALL_DIGITS = 17, format = (x, digits) => numberTexts.format(x, digits);
  // A name or a number binds as nothing else does; a negative number less, and a label like "a + b" not at all.
  const WHOLE = /^([\p{L}\p{N}_.…]*(\[\d+(,\d+)*\](_\d+)?)?|\d[\d.]*e[+-]?\d+)$/u, NEGATIVE = /^-[\p{L}\p{N}_.+-]*$/u;
  const looseness = text => WHOLE.test(text) ? 2 : NEGATIVE.test(text) ? 1 : 0;
  const filled = (template, holes) => template.replace(/\{(\w+)\}/g, (_, hole) => holes[hole]);
  const constantText = x => Object.is(x, -0) ? "-0" : format(x, ALL_DIGITS).replace(/\.0$/, "");

  // The inputs as a rule takes them: rows where it takes rows.
  function inRows({inputs, rows}, numbers) {
    const length = numbers.length / inputs.length;
    return rows ? inputs.map((_, k) => numbers.slice(k * length, (k + 1) * length)) : numbers;
  }
  const valueOf = (name, numbers, constants) =>
    rules[name](...inRows(operations[name], numbers), ...constants, []);

  // An operation as people write it, of texts that are numbers or names.
  function call(name, texts, constants) {
    const op = operations[name], settings = constants.map(constantText);
    if (!op.rows) {
      const holes = [...texts, ...settings];
      return op.call.replace(/\{(\d+)\}/g, (_, k) => looseness(holes[k]) < op.binds[k] ? `(${holes[k]})` : holes[k]);
    }
    const lists = op.inputs.length > 1 ? inRows(op, texts).map(row => `[${row.join(", ")}]`) : texts;
    return `${op.call}(${[...lists, ...settings.map((text, k) => `${op.constants[k]}=${text}`)].join(", ")})`;
  }
  // As many digits of the numbers as it takes for the sentence to be true of the numbers it shows.
  function digitsNeeded(name, numbers, constants, value) {
    for (let digits = FEWEST; digits < ALL_DIGITS; digits++) {
      const shown = numbers.map(x => Number.isFinite(x) ? Number(format(x, digits)) : x);
      const same = shown.every((x, k) => Number.isFinite(x) === Number.isFinite(numbers[k]));
      if (same && Object.is(valueOf(name, shown, constants), value)) return digits;
    }
    return ALL_DIGITS;
  }
  const isInside = (x, [, low, high, closed, without]) =>
    !Number.isFinite(x) || ((closed ? low <= x && x <= high : low < x && x < high) && !without.includes(x));

  function advice(name, numbers) {
    const {needs} = operations[name], broken = needs.filter((need, k) => need && !isInside(numbers[k], need));
    return broken.length ? filled(said.needs, {name, conditions: broken.map(([text]) => text).join(" and ")}) : "";
  }
  function named(name, numbers, labels, digits) {
    const inputs = advice(name, numbers) ? operations[name].inputs : [];
    const shown = labels.map((label, k) => label && [
      inputs.includes(label) && label !== inputs[k] ? filled(said.role, {input: inputs[k]}) : "",
      label, " = ", format(numbers[k], digits)].join("")).filter(Boolean);
    return shown.length ? ` (${shown.join(", ")})` : "";
  }
  const isFlagged = (numbers, value) =>
    Number.isNaN(value) ? !numbers.some(Number.isNaN) : !Number.isFinite(value) && numbers.every(Number.isFinite);

  // The engine's sentence on a value that it would refuse, or "".  `numbers` are those of all parents, one after the
  // other, and `labels` what they are called, "" where they have no name.
  function outside(name, numbers, constants, value, labels = []) {
    if (!isFlagged(numbers, value)) return "";
    const digits = digitsNeeded(name, numbers, constants, value), op = operations[name];
    const shown = call(name, numbers.map(x => format(x, digits)), constants);
    const isPole = op.poles?.(...inRows(op, numbers), ...constants);
    const why = Number.isNaN(value) ? said.no_number : isPole ? said.pole : said.too_large;
    return `${shown} ${why}${advice(name, numbers)}${named(name, numbers, labels, digits)}`;
  }
  // The value, and its local gradients in g; those of a nan are nan, but where an operation selects among its inputs.
  function apply(name, numbers, constants, g) {
    const op = operations[name], value = rules[name](...inRows(op, numbers), ...constants, g);
    if (!Number.isNaN(value)) return value;
    const isChoosing = op.selects && !op.rows && numbers.some(Number.isNaN);
    numbers.forEach((x, k) => { if (!isChoosing || Number.isNaN(x)) g[k] = NaN; });
    return value;
  }

  // A label in quotes, as Python's repr has it.
  function quoted(label) {
    const quote = label.includes("'") && !label.includes('"') ? '"' : "'";
    return quote + label.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`) + quote;
  }

  // ---- gradients: nodes are {name, op, constants, parents, value, local, isConstant}, parents before children

  function formulaOf({name, op, constants, parents, value}, nodes) {
    if (!parents.length) return name || filled(said.number, {number: format(value)});
    if (!operations[op]) return name || filled(said.by_hand, {name: op});
    const inner = parents.map(k => nodes[k]), made = call(op, inner.map(n => n.name || format(n.value)), constants);
    const at = new Set(inner.filter(n => n.name).map(n => `${n.name} = ${format(n.value)}`));
    return (name ? `${name} = ` : "") + made + (at.size ? filled(said.at, {numbers: [...at].join(", ")}) : "");
  }
  // The first node on the way to a leaf whose local gradient made what arrived infinite or nan.
  function culprit(leaf, nodes, arrived) {
    const tainted = new Set([leaf]);
    for (const [n, node] of nodes.entries()) for (const [k, parent] of node.parents.entries()) {
      const upstream = arrived[n], local = node.local[k];
      if (upstream === undefined || !tainted.has(parent) || Number.isFinite(upstream * local)) continue;
      if (Number.isFinite(upstream)) {
        return filled(said.local, {node: formulaOf(node, nodes), local: format(local), upstream: format(upstream)});
      }
      tainted.add(n);
    }
    return said.added_up;
  }
  // The engine's sentence on a gradient that it would refuse, or ""; `arrived` is by node, undefined where nothing is.
  function gradient(nodes, arrived) {
    const leaf = nodes.findIndex(({parents, isConstant}, n) =>
      !parents.length && !isConstant && !Number.isFinite(arrived[n] ?? 0));
    if (leaf < 0) return "";
    const {name} = nodes[leaf], where = name && filled(said.to, {leaf: quoted(name)});
    return filled(said.gradient, {where, number: format(arrived[leaf]), culprit: culprit(leaf, nodes, arrived)});
  }
  return {outside, apply, gradient};
})();
