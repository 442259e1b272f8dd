"""Every loss is PyTorch's, value and gradients: 40 batches for each way to combine the options, twelve digits."""

import itertools
import random
from functools import partial

import pytest

import tinygrad_edu as tg
from tinygrad_edu import Value
from tinygrad_edu.nn import losses
from tinygrad_edu.nn.targets import numbers_in

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the comparison needs it")

functional = torch.nn.functional
BATCHES, LIMIT, REDUCTIONS = 40, 1e-12, ("mean", "sum", "none")
WEIGHT = [0.25, 3.0, 1.0, 0.5]                              # of four classes, or of four columns


def tensor(x):
    return torch.tensor(x, dtype=torch.int64 if is_whole(x) else torch.float64)


def is_whole(x):
    return isinstance(x, int) or (isinstance(x, list) and all(map(is_whole, x)))


# ---- what the losses are compared on


def probabilities(draw, count=4):
    parts = [draw.random() + 0.01 for _ in range(count)]
    return [x / sum(parts) for x in parts]


def logits(draw, rows):
    return [[draw.gauss(0, 3) for _ in range(4)] for _ in range(rows)]


def logs(draw, rows):
    return [tg.log_softmax(row) for row in logits(draw, rows)]


def shares(draw, rows):
    return [[draw.uniform(0.01, 0.99) for _ in range(4)] for _ in range(rows)]


def distributions(draw, rows):
    return [probabilities(draw) for _ in range(rows)]


def classes(draw, rows):
    """Indices, one of which is not 1, so that something counts where 1 is ignored."""
    return [2, *[draw.randrange(4) for _ in range(rows - 1)]]


def classes_or_nothing(draw, rows):
    return [2, *[draw.choice([0, 1, 2, 3, -100]) for _ in range(rows - 1)]]


def truths(draw, rows):
    return [[draw.choice([0.0, 1.0, draw.random()]) for _ in range(4)] for _ in range(rows)]


def signs(draw, rows):
    return [[float(draw.choice([-1, 1])) for _ in range(4)] for _ in range(rows)]


def for_torch(options):
    """Options as PyTorch takes them."""
    return {name: tensor(x) if isinstance(x, list) else x for name, x in options.items()}


def twins(name, theirs, predictions, targets, **options):
    """The same loss of both, with each reduction: {title: (ours, theirs, predictions, targets)}."""
    ours, told = getattr(losses, name), ", ".join(options)
    theirs = partial(theirs, **for_torch(options))
    return {f"{name}({told}), {targets.__name__}, {how}": (
        partial(ours, **options, reduction=how), partial(theirs, reduction=how), predictions, targets) for how in REDUCTIONS}


def of_classes():
    """cross_entropy and nll with every choice of their options."""
    found = {}
    for chosen in itertools.product([{}, {"weight": WEIGHT}], [{}, {"ignore_index": 1}, {"ignore_index": -100}], [{}, {"label_smoothing": 0.3}]):
        options = {name: x for part in chosen for name, x in part.items()}
        indices = classes_or_nothing if options.get("ignore_index") == -100 else classes
        found |= twins("cross_entropy", functional.cross_entropy, logits, indices, **options)
        if "ignore_index" not in options:
            found |= twins("cross_entropy", functional.cross_entropy, logits, distributions, **options)
        if "label_smoothing" not in options:
            found |= twins("nll", functional.nll_loss, logs, indices, **options)
        if not {"label_smoothing", "ignore_index"} & options.keys():        # of rows, which PyTorch's nll_loss does not take
            found |= {title: (partial(nll_of_softmax, ours), *rest) for title, (ours, *rest) in
                      twins("nll", functional.cross_entropy, logits, distributions, **options).items()}
    return found


def nll_of_softmax(nll, rows, targets):
    """What is cross_entropy of logits, by nll."""
    return nll([tg.log_softmax(row) for row in rows], targets)


def batchmean(inputs, targets, reduction):
    """kl_divergence(p, q) by PyTorch, whose input is log q."""
    each = functional.kl_div(targets.log(), inputs, reduction="none").sum(1)
    return each if reduction == "none" else functional.kl_div(targets.log(), inputs, reduction="batchmean" if reduction == "mean" else "sum")


def brier(p, t, reduction):
    each = functional.mse_loss(p, t, reduction="none").sum(1)
    return {"mean": each.mean, "sum": each.sum, "none": lambda: each}[reduction]()


def half(p, t, reduction):
    return functional.mse_loss(p, t, reduction=reduction) / 2


def hinge(p, t, reduction):
    return functional.margin_ranking_loss(p, torch.zeros_like(p), t, margin=1.0, reduction=reduction)


def ranking(p, t, reduction, margin=0.0):
    return functional.margin_ranking_loss(p[:, :2], p[:, 2:], t[:, :2], margin=margin, reduction=reduction)


def of_pairs(p, t, reduction="mean", margin=0.0):
    return tg.margin_ranking([row[:2] for row in p], [row[2:] for row in p], [row[:2] for row in t], margin, reduction)


CASES = {
    **of_classes(),
    **twins("mse", functional.mse_loss, logits, truths), **twins("sum_squared_error", functional.mse_loss, logits, truths),
    **twins("half_squared_error", half, logits, truths), **twins("mae", functional.l1_loss, logits, truths),
    **twins("huber", functional.huber_loss, logits, truths), **twins("huber", functional.huber_loss, logits, truths, delta=2.5),
    **twins("smooth_l1", functional.smooth_l1_loss, logits, truths), **twins("smooth_l1", functional.smooth_l1_loss, logits, truths, beta=2.5),
    **{f"{title}, beta 0": case for title, case in twins("smooth_l1", functional.smooth_l1_loss, logits, truths, beta=0.0).items()},
    **twins("bce", functional.binary_cross_entropy, shares, truths), **twins("bce", functional.binary_cross_entropy, shares, truths, weight=WEIGHT),
    **twins("hinge", hinge, logits, signs), **twins("kl_divergence", batchmean, distributions, distributions),
    **twins("brier", brier, distributions, distributions),
}
for weights in ({}, {"weight": WEIGHT}, {"pos_weight": WEIGHT}, {"weight": WEIGHT, "pos_weight": [2.0, 0.0, 1.0, 5.0]}):
    CASES |= twins("bce_with_logits", functional.binary_cross_entropy_with_logits, logits, truths, **weights)
for options in ({}, {"margin": 0.5}):
    CASES |= {f"margin_ranking({', '.join(options)}), signs, {how}": (
        partial(of_pairs, reduction=how, **options), partial(ranking, reduction=how, **options), logits, signs) for how in REDUCTIONS}


# ---- how far apart


def apart(ours, theirs):
    """The largest difference, by the largest number of theirs."""
    size = max(map(abs, theirs))
    return max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) / (size or 1.0)


def worst_difference(ours, theirs, predictions, targets):
    """Of values and gradients, over all batches."""
    worst = 0.0
    for k in range(BATCHES):
        draw = random.Random(f"batch {k}")
        rows = draw.randint(1, 6)
        numbers, goals = predictions(draw, rows), targets(draw, rows)
        leaves, reference = [[Value(x) for x in row] for row in numbers], tensor(numbers).requires_grad_()
        mine, other = numbers_in(ours(leaves, goals)), theirs(reference, tensor(goals)).flatten()
        pulls = [draw.gauss(0, 1) for _ in mine]
        tg.dot(pulls, mine).backward()
        (other * tensor(pulls)).sum().backward()
        gradients = [leaf.grad for row in leaves for leaf in row]
        worst = max(worst, apart([getattr(x, "data", x) for x in mine], other.tolist()), apart(gradients, reference.grad.flatten().tolist()))
    return worst


@pytest.mark.parametrize("title", CASES)
def test_forty_batches_are_as_pytorch_has_them(title):
    assert worst_difference(*CASES[title]) <= LIMIT


def test_every_loss_and_every_option_is_compared():
    told = {title.partition("(")[0]: set() for title in CASES}
    for title in CASES:
        name, _, rest = title.partition("(")
        told[name] |= {option for option in rest.partition(")")[0].split(", ") if option}
    assert told.keys() == set(losses.__all__) - {"log_softmax"}
    assert told == {name: set(options_of(getattr(losses, name))) for name in told}


def options_of(loss):
    import inspect
    return [name for name, x in inspect.signature(loss).parameters.items() if x.default is not x.empty and name != "reduction"]


def test_the_default_reduction_is_pytorchs_mean_except_where_the_name_says_sum():
    for name in ("mse", "mae", "huber", "smooth_l1", "bce_with_logits"):
        p, t = [[0.5, 2.0]], [[1.0, 0.0]]
        assert getattr(losses, name)(p, t) == getattr(losses, name)(p, t, reduction="mean")
    assert tg.sum_squared_error([[0.5, 2.0]], [[1.0, 0.0]]) == 4.25


@pytest.mark.parametrize("options", [{}, {"weight": WEIGHT}, {"label_smoothing": 0.3}, {"weight": WEIGHT, "label_smoothing": 0.3}])
@pytest.mark.parametrize("target", [3, [0.25, 0.5, 0.0, 0.25]])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_row_alone_is_a_batch_of_none(options, target, reduction):
    row = [0.5, -1.0, 2.0, 0.25]
    theirs = functional.cross_entropy(tensor(row), tensor(target), reduction=reduction, **for_torch(options))
    assert tg.cross_entropy(row, target, reduction, **options) == pytest.approx(theirs.item(), rel=LIMIT)


@pytest.mark.parametrize("weight", [2.5, WEIGHT, [WEIGHT, [1.0, 2.0, 0.0, 0.5]]], ids=["one for all", "one for each column", "one for each"])
@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_weights_of_numbers_are_spread_as_pytorch_does(name, weight):
    rows, goals = [[0.5, -1.0, 2.0, 0.25], [0.1, 0.2, -0.3, 3.0]], [[1.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, 0.25]]
    theirs = functional.binary_cross_entropy_with_logits(tensor(rows), tensor(goals), **{name: torch.tensor(weight, dtype=torch.float64)})
    assert tg.bce_with_logits(rows, goals, **{name: weight}) == pytest.approx(theirs.item(), rel=LIMIT)


# ---- where PyTorch gives nan, or says something else


@pytest.mark.parametrize(("options", "targets", "words"), [
    ({"ignore_index": 1}, [1, 1], "every target is ignored, 1"), ({"ignore_index": -100, "weight": WEIGHT}, [-100, -100], "every target is ignored, -100"),
    ({"weight": [0.0, 1.0, 1.0, 1.0]}, [0, 0], "the classes of all targets have the weight 0"),
    ({"weight": [0.0, 1.0, 1.0, 1.0], "label_smoothing": 0.1}, [0, 0], "the classes of all targets have the weight 0"),
])
def test_the_mean_of_nothing_is_nan_there_and_refused_here(options, targets, words):
    rows = [[0.5, -1.0, 2.0, 0.25], [0.1, 0.2, -0.3, 3.0]]
    assert not functional.cross_entropy(tensor(rows), tensor(targets), **for_torch(options)).isfinite()
    with pytest.raises(ValueError, match=words):
        tg.cross_entropy(rows, targets, **options)
    if "label_smoothing" not in options:
        with pytest.raises(ValueError, match=words):
            tg.nll(rows, targets, **options)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_the_sum_of_nothing_is_0_in_both_and_no_gradient_flows(reduction):
    leaves = [[Value(x) for x in row] for row in [[0.5, -1.0], [float("inf"), 0.0]]]
    found = tg.cross_entropy(leaves, [-100, -100], reduction, ignore_index=-100)
    theirs = functional.cross_entropy(tensor([[0.5, -1.0], [float("inf"), 0.0]]), tensor([-100, -100]), reduction=reduction)
    assert [x.data for x in numbers_in(found)] == theirs.flatten().tolist()
    tg.sum(numbers_in(found)).backward()
    assert [leaf.grad for row in leaves for leaf in row] == [0.0] * 4


def test_ignoring_of_rows_is_refused_by_both():
    with pytest.raises(RuntimeError, match="ignore_index"):
        functional.cross_entropy(tensor([[0.5, -1.0]]), tensor([[0.5, 0.5]]), ignore_index=1)
    with pytest.raises(ValueError, match=r"ignore_index=1 is for targets that are indices of classes, got \[0\.5, 0\.5\]"):
        tg.cross_entropy([[0.5, -1.0]], [[0.5, 0.5]], ignore_index=1)


# ---- the comparison sees a fault


def divides_by_the_number(logits, targets, reduction="mean"):
    each = tg.cross_entropy(logits, targets, "none", weight=WEIGHT)
    return tg.mean(each)


def smooths_after_weighing(logits, targets, reduction="mean"):
    plain, even = tg.cross_entropy(logits, targets, "none", weight=WEIGHT), [[0.25] * 4] * len(targets)
    smooth = tg.cross_entropy(logits, even, "none")
    return tg.sum([0.7 * a + 0.3 * b for a, b in zip(plain, smooth)]) / tg.sum([WEIGHT[t] for t in targets])


def weighs_both_sides(logits, targets, reduction="mean"):
    return tg.bce_with_logits(logits, targets, weight=WEIGHT)


def huber_for_smooth_l1(p, t, reduction="mean"):
    return tg.huber(p, t, delta=2.5)


def counts_the_ignored(logits, targets, reduction="mean"):
    return tg.sum(tg.cross_entropy(logits, targets, "none", ignore_index=1)) / len(targets)


@pytest.mark.parametrize(("wrong", "title"), [
    (divides_by_the_number, "cross_entropy(weight), classes, mean"), (smooths_after_weighing, "cross_entropy(weight, label_smoothing), classes, mean"),
    (weighs_both_sides, "bce_with_logits(pos_weight), truths, mean"), (huber_for_smooth_l1, "smooth_l1(beta), truths, mean"),
    (counts_the_ignored, "cross_entropy(ignore_index), classes, mean"),
])
def test_a_planted_bug_is_caught(wrong, title):
    assert worst_difference(wrong, *CASES[title][1:]) > 1e9 * LIMIT
