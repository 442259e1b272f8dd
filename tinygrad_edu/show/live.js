// Live pages: the leaves get other numbers, and both passes run again, by the rules that Python printed.
// A place in `whole` is that of a node of the whole graph; a place in `nodes` that of a shown one.
const live = (() => {
  const {nodes, events, boxes, views, live: told} = data, {whole, ops, explained} = told;
  const constants = new Set(told.constants), last = whole.length - 1;
  const at = told.at ?? whole.map((_, i) => i), holders = told.holders ?? at, stands = told.stands ?? at;
  const own = stands.map((place, i) => at[place] === i);            // is this node itself the shown one?
  const standIn = at.includes(-1) ? at.indexOf(-1) : NaN, output = stands[last];
  const short = (x, digits = 5) => numberTexts.format(x, digits).replaceAll("-", "−");
  const named = new Set(told.named), labelOf = i => named.has(i) && stands[i] >= 0 ? nodes[stands[i]].name : "";
  const said = (key, holes) => say(`why_${key}`, holes);
  const start = whole.map(made => Array.isArray(made) ? undefined : Number(made)), given = start.slice();
  const templates = nodes.map(node => node.numbers), names = boxes.map(box => box.name);
  const listeners = [], seedAt = events.findIndex(event => event[0] === "s");
  const leaves = told.leaves.map(node => ({node, name: nodes[node].name, start: start[at[node]]}));
  const ofOthers = events.find(event => event[0] === "z" && event[1] === standIn)?.[5];
  let values = [], slopes = [], arrived = [];

  // ---- forward

  // The numbers of all nodes and the local gradients, or the sentence of the engine where an operation cannot be done.
  function forward(numbers, isStrict) {
    const values = [], slopes = [];
    for (const [i, made] of whole.entries()) {
      if (!Array.isArray(made)) { values[i] = numbers[i]; continue; }
      const [op, parents, ...rest] = made;
      if (op < 0) { [values[i], ...slopes[i]] = rest.map(Number); continue; }
      const inputs = parents.map(parent => values[parent]), settings = rest.map(Number);
      values[i] = domain.apply(ops[op], inputs, settings, slopes[i] = []);
      if (Number.isFinite(values[i])) continue;
      const refused = isStrict && domain.outside(ops[op], inputs, settings, values[i], parents.map(labelOf));
      if (refused) return {refused};
    }
    return {values, slopes};
  }

  // ---- backward: the chain rule, one edge at a time, as `contributions` of engine/graph.py

  function backward(slopes) {
    const arrived = [], edges = [];
    arrived[last] = Number(told.seed);
    for (let i = last; i >= 0; i--) {
      if (!Array.isArray(whole[i]) || constants.has(i) || arrived[i] === undefined) continue;
      const [op, parents] = whole[i], selects = operations[ops[op]]?.selects, up = arrived[i], found = [];
      for (let k = parents.length - 1; k >= 0; k--) {
        const parent = parents[k], local = slopes[i][k], taken = !(selects && local === 0);
        if (constants.has(parent)) continue;
        if (taken) arrived[parent] = arrived[parent] === undefined ? up * local : arrived[parent] + up * local;
        found.push({i, k, parent, up, local, taken, after: arrived[parent]});
      }
      if (found.length) edges[i] = found;
    }
    return {arrived, edges};
  }

  // Both passes, or the engine's sentence on what it refuses, a value or the gradient of a leaf.
  function bothPasses(numbers, isStrict) {
    const found = forward(numbers, isStrict);
    if (found.refused) return found;
    const {arrived, edges} = backward(found.slopes), isWrong = i => arrived[i] - arrived[i] !== 0 && arrived[i] !== undefined;
    const refused = isStrict && whole.some((made, i) => !Array.isArray(made) && isWrong(i)) && domain.gradient(described(found), arrived);
    return refused ? {refused} : {...found, arrived, edges};
  }
  const described = ({values, slopes}) => whole.map((made, i) => {
    const [op, parents, ...rest] = Array.isArray(made) ? made : [-1, []];
    return {name: labelOf(i), op: ops[op], constants: rest.map(Number), parents, value: values[i], local: slopes[i] ?? [],
      isConstant: constants.has(i)};
  });

  // ---- the events after the seed, as `backward_events` of steps.py

  function backwardEvents(edges) {
    const soFar = new Map([[output, Number(told.seed)]]), closed = {}, made = [];
    const waiting = unreached(edges);
    let rest = new Map();
    for (let i = last; i >= 0; i--) {
      const place = stands[i], isOwn = own[i] && place >= 0;
      if (place === standIn) {
        for (const {parent, after, taken} of edges[i] ?? []) if (taken && own[parent] && stands[parent] >= 0) rest.set(stands[parent], after);
        continue;
      }
      if (rest.size && isOwn && nodes[place].parents) {
        for (const [node, gradient] of rest) soFar.set(node, gradient);
        made.push(othersEvent(rest));
        rest = new Map();
      }
      if (edges[i] && isOwn) for (const edge of edges[i]) edgeEvent(edge, soFar, closed, made);
      else if (waiting.has(place) && isOwn && nodes[place].parents) {
        const behind = cutOff(place, waiting);
        for (const node of [...behind, place]) waiting.delete(node);
        if (behind.length) made.push(stoppedEvent(closed[place], behind));
      }
    }
    return made;
  }
  function edgeEvent({i, k, parent, up, local, taken}, soFar, closed, made) {
    const to = stands[parent], before = soFar.get(to) ?? 0, after = taken ? before + up * local : before;
    if (nodes[to].constant) return;
    soFar.set(to, after);
    closed[to] ??= [stands[i], k];
    made.push(["b", stands[i], k, short(after), +taken]);
  }
  function unreached(edges) {
    const reached = new Set([output]);
    for (const found of edges) for (const {parent, taken} of found ?? []) if (taken) reached.add(stands[parent]);
    return new Set([...nodes.keys()].filter(place => !nodes[place].constant && !reached.has(place)));
  }
  // Those of the waiting nodes that `start` was made from, in the order of the walk back.
  function cutOff(start, waiting) {
    const found = new Set([start]);
    for (let place = start; place >= 0; place--) {
      if (found.has(place)) for (const parent of nodes[place].parents ?? []) if (waiting.has(parent)) found.add(parent);
    }
    return [...found].filter(place => place !== start).sort((one, other) => other - one);
  }
  function stoppedEvent([node, k], behind) {
    const {name, parents} = nodes[node], [words] = reasonsOf(node, true)?.slice(k) ?? [];
    const reason = words?.words || said("not_chosen", {name, parent: nodes[parents[k]].name});
    return ["z", node, k, behind.map(() => "0"), behind, said("nothing_arrives", {reason})];
  }
  function othersEvent(rest) {
    return ["z", standIn, 0, [...rest.values()].map(gradient => short(gradient)), [...rest.keys()], ofOthers];
  }

  // ---- reasons, as IN_WORDS of reasons.py has them

  const numberOf = place => values[holders[place]];
  const explain = {
    by_sign: ([x], _, above, otherwise) => [{words: said(x > 0 ? above : otherwise)}],
    at_zero: (inputs, {value, op}, sentence) => inputs.map(() => ({words: value ? "" : said(sentence, {op})})),
    flat: (inputs, {op}) => inputs.map(() => ({words: said("flat", {op})})),
    best(inputs, {value, names}, chosen, other) {
      const count = inputs.filter(x => x === value).length, hit = count > 1 ? "tie" : chosen;
      const share = count > 1 ? `<mfrac><mn>1</mn><mn>${count}</mn></mfrac>` : "<mn>1</mn>";
      return inputs.map((x, k) => ({
        why: [x === value ? share : "<mn>0</mn>"], words: said(x === value ? hit : other, {name: names[k], count})}));
    },
    branch([condition], {names}) {
      const chosen = said(condition ? "holds" : "does_not_hold", {name: names[condition ? 1 : 2]});
      return [said("condition"), chosen, chosen].map(words => ({words}));
    },
    within([x], {names, constants: [low, high]}) {
      const [from, to] = [low, high].map(end => short(end, 6).replaceAll("−", "-"));
      return [{words: said(x < low ? "below" : x > high ? "above" : "between", {name: names[0], low: from, high: to})}];
    },
    of_cross_entropy(inputs) {
      const z = inputs.slice(0, inputs.length / 2), y = inputs.slice(z.length), most = Math.max(...z), words = said("logits");
      const total = y.reduce((sum, t) => sum + t, 0), logSum = most + Math.log(z.reduce((sum, x) => sum + Math.exp(x - most), 0));
      const shares = z.map(x => Math.exp(x - logSum)), kind = total === 1 ? 0 : 1;
      return [...shares.map((p, k) => ({words, why: slopeOf(kind, k, p, y[k], total)})),
        ...shares.map((p, k) => ({words, why: slopeOf(2, k, p)}))];
    },
  };
  function slopeOf(kind, k, ...numbers) {
    const [named, filled] = told.slopes[kind], texts = numbers.map(x => short(x).replaceAll("−", "-"));
    const parts = [`<mn>${k}</mn>`, ...texts.map(text => `<mi>${text}</mi>`)];
    return [named, filled].map(text => text.replace(/([\uf8f0\uf8f1]?)([\uf8f8-\uf8fb])/g, (_, when, hole) => {
      const i = hole.charCodeAt() - 0xf8f8;
      return inFence(parts[i], when, texts[i - 1]);
    }));
  }
  // Why the local gradients of a shown node are what they are, where its operation says so in words.
  function reasonsOf(place, inFull) {
    const {parents} = nodes[place], [op, , ...constants] = whole[at[place]], name = ops[op];
    const [how, ...keys] = explained[name] ?? [];
    if (!how) return null;
    const names = parents.map(parent => (inFull ? null : nodes[parent].short) ?? nodes[parent].name);
    const inputs = whole[at[place]][1].map(parent => values[parent]), value = values[at[place]];
    if ([value, ...inputs].some(Number.isNaN)) return null;
    return explain[how](inputs, {value, names, op: name, constants: constants.map(Number)}, ...keys);
  }

  // ---- what the page says

  function tellNode(node, place) {
    if (at[place] < 0) return;
    const {parents} = node;
    node.data = short(numberOf(place));
    if (node.local) node.local = slopes[at[place]].map(slope => short(slope));
    if (parents && !node.constant) {
      const reasons = reasonsOf(place);
      for (const [k, {why}] of reasons?.entries() ?? []) if (why && node.why[k].length) node.why[k] = why;
      if (reasons?.some(reason => reason.words)) node.words = reasons.map(reason => reason.words);
      else if (reasons) delete node.words;
    }
  }
  function putNumbers(node, place) {
    if (templates[place] === undefined) return;
    const text = withNumbers(templates[place]);
    node.numbers = [node.data, "−0"].includes(text) ? "" : text;
  }
  const withNumbers = text => text.replace(/([\uf8f0\uf8f1]?)([\ue000-\uf8ef])/g, (_, when, mark) => {
    const number = nodes[mark.charCodeAt() - 0xe000].data;
    return when && number[0] === "−" ? `(${number})` : number;
  });
  function tellBox(box, b) {
    if (names[b]) box.name = withNumbers(names[b]);
    if (box.room) box.data = inRoom(values[holders[box.shows ?? box.nodes[0]]], box.room);
  }
  // A number in so many letters, or else with one digit.
  function inRoom(x, letters) {
    const texts = [5, 4, 3, 2, 1].map(digits => short(x, digits));
    return texts.find(text => text.length <= letters) ?? texts.at(-1);
  }
  // The lines of a network: as wide as their weights are large.
  function tellLines({links, widest}) {
    const lines = links.filter(link => link[5]), weights = lines.map(line => numberOf(line[2]));
    const most = Math.max(0, ...weights.map(Math.abs).filter(Number.isFinite)) || 1;
    for (const [i, line] of lines.entries()) {
      const weight = weights[i], width = .8 + (widest - .8) * Math.min(1, Math.abs(weight) / most || 0);
      line[5] = (weight < 0 || Object.is(weight, -0) ? -1 : 1) * width.toFixed(1);
      line[6] = short(weight * numberOf(line[7]));
    }
  }
  function tell() {
    nodes.forEach(tellNode);
    nodes.forEach(putNumbers);
    boxes.forEach(tellBox);
    views.filter(view => view.widest).forEach(tellLines);
  }

  // ---- what other scripts may ask for

  // Gives leaves other numbers: "" if both passes could be run, or else why not; then all stays as it was.
  function put(pairs) {
    const wanted = given.slice();
    for (const [node, number] of pairs) wanted[at[node]] = number;
    const found = bothPasses(wanted, isStrict);
    if (found.refused) return found.refused;
    wanted.forEach((number, i) => { given[i] = number; });
    ({values, slopes, arrived} = found);
    tell();
    events.splice(seedAt + 1, Infinity, ...backwardEvents(found.edges));
    for (const listener of listeners) listener();
    return "";
  }
  // What the output would come to, or why that cannot be computed.
  function tried(node, number) {
    const found = forward(given.with(at[node], number), isStrict);
    return found.refused ?? found.values[last];
  }
  // A graph that was made with infinities and nan goes on with them.
  const isStrict = !bothPasses(given, true).refused;
  ({values, slopes, arrived} = bothPasses(given, false));
  tell();
  return {
    leaves, put, tellLines,
    number: node => given[at[node]],
    set: (node, number) => put([[node, number]]),
    tried, output: () => values[last], seed: Number(told.seed),
    reset: () => put(leaves.map(({node, start}) => [node, start])),
    values: () => nodes.map((_, place) => numberOf(place)),
    gradients: () => nodes.map((_, place) => arrived[at[place]] ?? 0),
    onchange: listener => listeners.push(listener),
  };
})();
