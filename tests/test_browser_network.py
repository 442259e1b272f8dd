"""Networks in the player: columns of circles in a browser, lines that light up, and neurons that open in place."""

import pytest
from test_browser_player import boxes, go, marked, place
from test_network_pictures import loss_of, model_of

import tinygrad_edu as tg
from tinygrad_edu.show.svg import number_text

CIRCLES = """found => found.filter(b => !b.hasAttribute('display')).map(b => {
  const {x, y, width, height} = b.firstChild.getBoundingClientRect();
  return [b.querySelector('.tg-name')?.textContent ?? b.getAttribute('aria-label').split(/[ :]/)[0], x + width / 2, y + height / 2];
})"""


def a_loss(inputs=3, sizes=(4, 4, 1), **options):
    return loss_of(model_of(inputs, sizes, **options), inputs)


def circles(tab):
    return tab.locator("#boxes > .tg-neuron").evaluate_all(CIRCLES)


def lit(tab, kind):
    """The weights whose lines are lit."""
    return {title.split(" = ")[0] for title in tab.locator(f".tg-line.{kind} title").evaluate_all("all => all.map(t => t.textContent)")}


@pytest.mark.parametrize(("inputs", "sizes"), [(3, (4, 4, 1)), (2, (16, 16, 1))])
def test_the_player_of_a_network_opens_on_its_neurons_in_order(opened, inputs, sizes):
    tab = opened(tg.play(a_loss(inputs, sizes)), width=1280, height=800)
    assert tab.locator("h1").inner_text() == "loss, step by step"
    assert tab.locator("#view option:checked").inner_text() == "neurons"
    found = sorted(circles(tab), key=lambda circle: (round(circle[1]), circle[2]))
    letters = "a" * (len(sizes) - 1) + "z"
    assert [name for name, *_ in found] == [f"{letters[k]}{k}[{i}]" for k, size in enumerate(sizes) for i in range(size)]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_letters_in_the_view_of_neurons_can_be_read(opened, width, height):
    tab = opened(tg.play(a_loss()), width=width, height=height)
    heights = tab.locator("#graph text").evaluate_all(
        "all => all.filter(t => t.textContent && t.getClientRects().length).map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)")
    assert len(heights) > 30 and min(heights) >= 11


def test_the_lines_of_the_neuron_at_work_are_lit(opened):
    loss = a_loss()
    tab, events = opened(tg.play(loss)), tg.steps(loss)
    names = tg.names(loss)
    for at, event in enumerate(events, 1):
        if event.kind == "forward" and event.node.op == "dot":
            go(tab, at)
            own = {names[node] for node in event.node.parents if names[node].startswith("w")}
            assert lit(tab, "now") == own and lit(tab, "back") == set()
        if event.kind == "backward" and event.name.startswith("v") and event.node.op == "dot" and at % 3 == 0:
            go(tab, at)
            count = len(event.node.parents) // 2
            assert lit(tab, "back") == {names[event.node.parents[event.edge % count]]} and lit(tab, "now") == set()
    assert at == len(events)


def test_a_line_tells_its_weight_its_product_and_its_gradient(opened):
    loss = a_loss()
    tab = opened(tg.play(loss))
    weight = next(node for node, name in tg.names(loss).items() if name == "w1[2,1]")
    x = next(node for node, name in tg.names(loss).items() if name == "a0[1]")
    title = tab.locator(".tg-line title").filter(has_text="w1[2,1]")
    data, product = number_text(weight.data), number_text(weight.data * x.data)
    assert title.text_content() == f"w1[2,1] = {data}"
    go(tab, len(tg.steps(loss)))
    assert title.text_content() == f"w1[2,1] = {data}, × input = {product}, gradient {number_text(weight.grad)}"


def shown(tab):
    return sorted(boxes(tab))


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("name", ["a0[2]", "a1[0]", "z2[0]"])
def test_a_neuron_opens_in_place_and_folds_again(opened, name, fused):
    loss = a_loss(fused=fused)
    tab = opened(tg.play(loss), width=1280, height=800)
    whole = shown(tab)
    circle = tab.locator("#boxes > .tg-neuron").filter(has_text=name)
    circle.focus()
    tab.keyboard.press("o")
    opened_up = shown(tab)
    others = [other for other in whole if other not in opened_up]
    assert others == [name] and len(opened_up) > len(whole) and tab.locator("#links .tg-line").count() == 3 * 4 + 4 * 4 + 4
    standing = tab.locator("#boxes > g:not([display])").evaluate_all(
        "all => all.map(b => b.firstChild.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])")
    for i, one in enumerate(standing):
        for other in standing[:i]:
            assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
    events = tg.steps(loss)
    for at in range(1, len(events) + 1, 7):
        go(tab, at)
        assert len([*marked(tab, "now"), *marked(tab, "gains")]) == 1 and place(tab) == at
    inner = tab.locator("#boxes > g:not([display])").filter(has_text=f"{name} = ").first
    inner.focus()
    inner.dblclick()
    assert shown(tab) == whole


def test_an_opened_neuron_shows_its_products_once_they_are_computed(opened):
    loss = a_loss()
    tab = opened(tg.play(loss))
    tab.locator("#boxes > .tg-neuron").filter(has_text="a1[1]").focus()
    tab.keyboard.press("o")
    box = tab.locator("#boxes > g:not([display])").filter(has_text="= w · x")
    assert box.locator(".tg-product").evaluate_all("all => all.map(t => t.getAttribute('visibility'))") == ["hidden"] * 4
    assert box.locator(".tg-name").all_text_contents()[0].endswith("= w · x")           # at its head
    go(tab, len(tg.steps(loss)))
    named = {name: node for node, name in tg.names(loss).items()}
    products = [number_text(named[f"w1[1,{i}]"].data * named[f"a0[{i}]"].data) for i in range(4)]
    assert box.locator(".tg-product").all_text_contents() == products
    assert box.locator(".tg-product").evaluate_all("all => all.map(t => t.getAttribute('visibility'))") == ["visible"] * 4


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_violation_of_accessibility_in_a_network(opened, violations, scheme, width):
    loss = a_loss()
    tab = opened(tg.play(loss), color_scheme=scheme, width=width)
    for at in (0, 9, len(tg.steps(loss))):
        go(tab, at)
        tab.keyboard.press("o")
        assert violations(tab) == []


def test_a_weight_of_zero_has_no_sign_in_the_page_nor_in_the_picture(opened):
    model = tg.MLP(2, [3, 1], rng=0)
    model.layers[0].neurons[1].w[0].data = 0.0
    loss = (model([1.0, -2.0]) - 1) ** 2
    assert tg.draw(loss, fold="neuron").svg.count('class="tg-line tg-zero"') == 1
    tab = opened(tg.play(loss, fold="neuron"))
    assert tab.locator(".tg-zero title").all_text_contents() == ["w0[1,0] = 0, × input = 0"]
    assert tab.locator(".tg-zero[stroke-dasharray]").count() == 0
