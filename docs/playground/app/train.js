// A network of layers that learns, by the rules, losses and optimizers of `network_rules`, which the package printed.
// Plain numbers, no page: the same settings give the numbers of tg.MLP and tg.fit.
const train = (() => {
  const {rules, activations, losses, optimizers} = network_rules;

  // ---- a network

  // sizes        inputs, the neurons of each layer, outputs
  // activation   of the hidden layers
  // The parameters lie neuron by neuron in one array, each neuron's weights before its bias.
  function makeModel({sizes, activation, seed}) {
    const random = new python_random.Random(seed), layers = [];
    const count = sizes.slice(1).reduce((sum, size, i) => sum + size * (sizes[i] + 1), 0);
    const data = new Float64Array(count);
    let first = 0;
    for (let k = 1; k < sizes.length; k++) {
      const name = k < sizes.length - 1 ? activation : "linear", inputs = sizes[k - 1], neurons = [];
      for (let i = 0; i < sizes[k]; i++, first += inputs + 1) {
        const w = data.subarray(first, first + inputs);
        w.set(startingWeights(activations[name].init, inputs, sizes[k], random));
        neurons.push({first, w, bias: first + inputs});
      }
      layers.push({name, inputs, neurons, constants: activations[name].constants});
    }
    return {sizes, activation, layers, data};
  }
  function startingWeights(init, inputs, outputs, random) {
    const reach = Math.sqrt(6 / (inputs + outputs)), deviation = Math.sqrt(2 / inputs);
    return Array.from({length: inputs}, () => init === "he" ? random.gauss(deviation) : random.uniform(-reach, reach));
  }

  // What each layer computes of a row, with the local gradients that its rules gave.
  function forward(model, row) {
    let x = row;
    const passes = model.layers.map(layer => {
      const neurons = layer.neurons.map(({w, bias}) => {
        const dot = [], slope = [1], s = rules.add(rules.dot(w, x, dot), model.data[bias], []);
        return {dot, slope, y: layer.name === "linear" ? s : rules[layer.name](s, ...layer.constants, slope)};
      });
      const pass = {x, neurons};
      x = neurons.map(({y}) => y);
      return pass;
    });
    return {passes, output: x};
  }
  // The chain rule, edge by edge as the engine walks: what arrived at the outputs goes back, into `gradients`.
  // Returns what arrived at each w · x + b, layer by layer.
  function backward(model, {passes}, arrived, gradients) {
    const sums = [];
    for (let k = passes.length - 1; k >= 0; k--) {
      const {x, neurons} = passes[k], n = x.length, before = new Float64Array(n), here = sums[k] = [];
      for (let i = neurons.length - 1; i >= 0; i--) {
        const {dot, slope} = neurons[i], {first, bias} = model.layers[k].neurons[i], s = arrived[i] * slope[0];
        here[i] = s;
        gradients[bias] += s;
        for (let j = n - 1; j >= 0; j--) before[j] += s * dot[n + j];
        for (let j = n - 1; j >= 0; j--) gradients[first + j] += s * dot[j];
      }
      arrived = before;
    }
    return sums;
  }

  // ---- losses

  // The loss of one example; `slopes` gets its derivative by each output.
  function lossOf(name, output, target, slopes) {
    const isRow = output.length > 1, steps = losses[name];
    const known = {p: isRow ? output : output[0], t: isRow ? output.map((_, i) => +(i === target)) : target};
    const locals = steps.map(([op, inputs, constants], i) => {
      const g = [];
      known[i] = rules[op](...inputs.map(x => typeof x === "number" ? x : known[x]), ...constants, g);
      return g;
    });
    const arrived = steps.map((_, i) => +(i === steps.length - 1));
    slopes.length = 0;
    output.forEach(() => slopes.push(0));
    for (let i = steps.length - 1; i >= 0; i--) {
      const [, inputs] = steps[i];
      for (let k = inputs.length - 1; k >= 0; k--) {
        if (inputs[k] === "p") slopes.forEach((_, j) => { slopes[j] += arrived[i] * locals[i][isRow ? j : k]; });
        else if (typeof inputs[k] === "string" && inputs[k] !== "t") arrived[inputs[k]] += arrived[i] * locals[i][k];
      }
    }
    return known[steps.length - 1];
  }
  // The mean of the losses of a batch; a single one is its own mean.
  const meanOf = (all, slopes = []) => all.length > 1 ? rules.mean(all, slopes) : (slopes[0] = 1, all[0]);

  // ---- penalties

  function weightsOf({layers}) {
    return layers.flatMap(({neurons}) => neurons.flatMap(({first, w}) => Array.from(w, (_, j) => first + j)));
  }
  // "L1": λ Σ |w|, "L2": ½ λ Σ w²; its gradient is put into `gradients`.
  function penaltyOf(model, {penalty, strength}, gradients) {
    if (penalty === "none") return 0;
    const places = weightsOf(model), w = places.map(i => model.data[i]);
    if (penalty === "L1") {
      const size = w.map((x, i) => {
        const g = [], found = rules.abs(x, g);
        gradients[places[i]] += strength * g[0];
        return found;
      });
      return rules.mul(strength, rules.sum(size, []), []);
    }
    const g = [], found = rules.mul(strength / 2, rules.dot(w, w, g), []);
    for (const at of [w.length, 0]) w.forEach((_, i) => { gradients[places[i]] += strength / 2 * g[at + i]; });
    return found;
  }

  // ---- one step of a training

  // settings    sizes, activation, seed, loss, threshold, optimizer, at (its settings), penalty, strength, batch
  // examples    {inputs, targets, classes}, and held_out likewise, or null
  function start(settings, examples, held_out = null) {
    const model = makeModel(settings), history = {loss: [], accuracy: [], validation_loss: [], validation_accuracy: []};
    return {settings, examples, held_out, model, memory: Array.from(model.data, () => ({})), history,
      epoch: 0, steps: 0, order: [], place: 0, sum: 0, right: 0, latest: null, exploded: false};
  }
  // The examples of the next step: each epoch takes all of them in an order of its own, as `fit` does.
  function nextBatch(state) {
    const {settings, examples, epoch, place} = state;
    const random = () => new python_random.Random(`${settings.seed}:${epoch}`);
    if (!place) state.order = random().shuffle([...examples.inputs.keys()]);
    return state.order.slice(place, place + settings.batch);
  }
  // Forward, loss and backward of a batch: nothing moves yet.
  function learn({settings, examples, model}, batch) {
    const ways = batch.map(i => forward(model, examples.inputs[i])), answers = ways.map(({output}) => output);
    const slopes = batch.map(() => []), shares = [], gradients = new Float64Array(model.data.length), sums = [];
    const each = batch.map((i, k) => lossOf(settings.loss, answers[k], examples.targets[i], slopes[k]));
    const loss = meanOf(each, shares), penalty = penaltyOf(model, settings, gradients), rest = gradients.slice();
    for (let k = batch.length - 1; k >= 0; k--) {
      sums[k] = backward(model, ways[k], slopes[k].map(g => shares[k] * g), gradients);
    }
    return {batch, ways, answers, each, loss, penalty, sums, gradients, rest};
  }
  // The numbers the optimizer moves the parameters to.
  function moved({settings, model}, gradients, memory) {
    const rule = optimizers[settings.optimizer];
    return model.data.map((w, i) => rule(w, gradients[i], memory[i], settings.at));
  }
  const isFinite = ({loss, gradients}, after) => [loss, ...gradients, ...after].every(Number.isFinite);
  // The next step as it will be, before anything moves; null where it would lead to a number that is not finite.
  function preview(state) {
    const next = learn(state, nextBatch(state)), memory = state.memory.map(one => ({...one}));
    const after = moved(state, next.gradients, memory);
    const right = rightOf(state, next.answers, next.batch, state.examples);
    return isFinite(next, after) ? {...next, right, before: state.model.data, after} : null;
  }
  // One mini-batch.  Where a number is not finite any more, nothing moves, and the training has exploded.
  function step(state) {
    const latest = learn(state, nextBatch(state)), after = moved(state, latest.gradients, state.memory);
    if (!isFinite(latest, after)) {
      state.exploded = true;
      return;
    }
    state.latest = latest;
    state.model.data.set(after);
    state.steps++;
    state.place += latest.batch.length;
    state.sum += latest.loss * latest.batch.length;
    state.right += rightOf(state, latest.answers, latest.batch, state.examples).filter(Boolean).length;
    if (state.place >= state.examples.inputs.length) endEpoch(state);
  }
  // The loss is the mean over the examples, each as the weights were at its batch; so is the accuracy.
  function endEpoch(state) {
    const {history, examples, held_out} = state, count = examples.inputs.length;
    history.loss.push(state.sum / count);
    if (examples.classes.length) history.accuracy.push(state.right / count);
    if (held_out) {
      const {loss, accuracy} = measured(state, held_out);
      history.validation_loss.push(loss);
      if (held_out.classes.length) history.validation_accuracy.push(accuracy);
    }
    Object.assign(state, {epoch: state.epoch + 1, place: 0, sum: 0, right: 0});
  }
  function epoch(state) {
    const {epoch} = state;
    while (state.epoch === epoch && !state.exploded) step(state);
  }

  // ---- what is measured

  const answer = (model, row) => forward(model, row).output;
  // What each neuron answers to a row, layer by layer, the inputs left out.
  const answers = (model, row) => forward(model, row).passes.map(({neurons}) => neurons.map(({y}) => y));
  function classOf(output, threshold) {
    return output.length > 1 ? output.indexOf(Math.max(...output)) : +(output[0] > threshold);
  }
  // Is each answer of the right class?  Nothing where there are no classes.
  function rightOf({settings}, answers, places, {targets, classes}) {
    return classes.length ? answers.map((output, k) => classOf(output, settings.threshold) === targets[places[k]]) : [];
  }
  function measured(state, examples) {
    const {inputs, targets} = examples, answers = inputs.map(row => answer(state.model, row));
    const loss = meanOf(answers.map((output, i) => lossOf(state.settings.loss, output, targets[i], [])));
    const right = rightOf(state, answers, [...inputs.keys()], examples);
    return {loss, right, accuracy: right.filter(Boolean).length / inputs.length};
  }
  // The gradient of a parameter as a sum over the examples of a batch: what it multiplies, times what arrives there.
  function terms(model, {batch, ways, sums, gradients, rest}, number) {
    const k = model.layers.findIndex(({neurons}) => number <= neurons.at(-1).bias);
    const i = model.layers[k].neurons.findIndex(({bias}) => number <= bias), {first, bias} = model.layers[k].neurons[i];
    const found = batch.map((example, at) => {
      const value = number === bias ? 1 : ways[at].passes[k].x[number - first], arrives = sums[at][k][i];
      return {example, value, arrives, product: value * arrives};
    });
    return {terms: found, rest: rest[number], sum: gradients[number]};
  }
  // Some examples are kept for a test, as `tg.data.split` deals them out.
  function split(examples, share, seed) {
    const count = examples.inputs.length, order = new python_random.Random(seed).shuffle([...Array(count).keys()]);
    const first = count - Math.min(Math.max(halfToEven(share * count), 1), count - 1);
    const picked = (list, places) => places.map(i => list[i]);
    const chosen = places => ({
      ...examples, inputs: picked(examples.inputs, places), targets: picked(examples.targets, places)});
    return [chosen(order.slice(0, first)), chosen(order.slice(first))];
  }
  function halfToEven(x) {
    const down = Math.floor(x), rest = x - down;
    return rest > .5 || rest === .5 && down % 2 ? down + 1 : down;
  }
  return {answers, epoch, measured, nextBatch, preview, split, start, step, terms};
})();
