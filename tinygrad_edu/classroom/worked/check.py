"""Worked steps, judged line by line: every number is derived again, and the first wrong line is named.

A line is held against the lines above it, as they stand, and against what is true.  So what follows from a wrong line
is told apart from a second mistake.  What a line may do wrong is a rule of `rules.py`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ...engine.errors import ExpressionError, errstate
from ...engine.graph import leaves_in, topological_order
from ...engine.replay import replay
from ...engine.value import Value
from . import lookalikes, rules
from .data import loaded, number_in, statements_of
from .plain import GRADIENT, PARTIAL
from .read import NotUnderstood, Statement
from .report import Line, StepsReport
from .rules import Wrong, differs, name_of
from .world import ZERO, Arrow, Graph, World
from .written import Atom, Gradient, Number, Partial, Written

ORDER = {"given": 0, "value": 1}        # what is judged first, wherever it stands
MOST_LIKE = 3                           # bug models that are named for one line


def check_steps(steps: str | Mapping[str, Any], task: Value | None = None, *, of: Sequence[str] = ()) -> StepsReport:
    """Judge worked steps: a text as people write it, a table in Markdown, or JSON (`steps.schema.json`).

    task   what was asked: the graph of a result with labels on its leaves, which gives their numbers
    of     the names whose gradients are asked for; those of all leaves, if none are named

    Every value, local derivative and gradient is derived again, on fractions where that can be done, and compared to
    the digits that are written.  Of a wrong line it is said which bug model gives its number.

    Raises ValueError where JSON is not as the schema has it.

    >>> print(check_steps("x = -2, y = 5; f = x * y = -10; ∂f/∂x = x = -2; ∂f/∂y = x = -2"))
    4 right, 1 wrong
    line 1: ∂f/∂x = x = -2
        wrong: ∂f/∂x is 5, not -2
        it looks like this: in a product each factor gets itself, not the other one
    """
    data = loaded(steps)
    return Judge(statements_of(data), data if isinstance(data, Mapping) else {}, of, task).report()


class Judge:
    """Goes through the statements; knows what is written so far, and what is true."""

    def __init__(self, statements: Sequence[Statement], data: Mapping[str, Any], of: Sequence[str], task: Value | None):
        self.statements, self.graph = statements, Graph(statements, number_in(data.get("seed", 1), "seed"))
        self.written, self.truth = World(self.graph, True), World(self.graph, False)
        self.arrived: set[Arrow] = set()
        self.lines: list[Line] = []
        self.first_wrong = ""
        self.unread = next((s.place for s in statements if s.kind == "unread" and "=" in s.text
                            and not PARTIAL.match(s.text) and not GRADIENT.match(s.text)), "")     # may make a node
        self.like_step: list[tuple[Line, set[str]]] = []
        leaves = [node for node in self.graph.into if node not in self.graph.made]
        if unknown := [name for name in of if name not in self.graph.nodes]:
            names = ", ".join(sorted(self.graph.nodes))
            raise ValueError(f"{unknown[0]!r} is not in the steps; their names are {names}")
        self.task = task
        for leaf in leaves_in(topological_order(task)) if task is not None else ():
            for world in self.written, self.truth:
                world.known(leaf.label, Number(as_fraction(leaf.data)))
        self.wanted = of or [name for name in leaves if name not in data.get("constants", ())]

    def report(self) -> StepsReport:
        """The verdicts on all statements."""
        self.lines = [Line(statement.place, statement.text) for statement in self.statements]
        for statement, line in sorted(zip(self.statements, self.lines), key=lambda pair: ORDER.get(pair[0].kind, 2)):
            self.judge(statement, line)
        if all(line.verdict != "not understood" for line in self.lines):       # in which it may stand
            missing = [Line("the end", words, "wrong", rules.MISSING, says) for words, says in self.missing()]
            self.lines += missing
            self.like_step += [(line, set[str]()) for line in missing]
        whole = self.like_whole() if self.like_step else set()
        for line, step in self.like_step:
            line.like = sorted((step & whole) or step or (whole if line.rule in rules.BACKWARD else ()))[:MOST_LIKE]
        return StepsReport(self.lines)

    def judge(self, s: Statement, line: Line) -> None:
        """Enter the verdict on a statement."""
        if s.kind in ("words", "unread"):
            line.verdict, line.says = ("words", "") if s.kind == "words" else ("not understood", s.why)
            return
        before = self.written.so_far.get(s.name, ZERO)
        try:
            follows = getattr(self, f"judge_{s.kind}")(s)
            if follows and self.first_wrong:
                line.verdict, line.says = "follows", f"right, given {self.first_wrong}"
        except Wrong as wrong:
            if wrong.rule in rules.BACKWARD and self.unread:
                line.verdict, line.says = "not understood", f"it depends on {self.unread}, which is not understood"
                return
            line.verdict, line.rule, line.says = "wrong", wrong.rule, wrong.says
            self.like_step.append((line, set() if wrong.rule in (rules.ORDER, rules.ONCE) else self.like(s, before)))
            self.first_wrong = self.first_wrong or line.place
        except NotUnderstood as error:
            line.verdict, line.says = "not understood", str(error)
        except (ArithmeticError, ExpressionError) as error:
            line.verdict, line.says = "not understood", f"it cannot be computed: {error}"

    def in_a_world(self, check: Callable[[World], None]) -> bool:
        """Does it hold in what is written, but not in truth?  Raises Wrong where it holds in neither."""
        try:
            check(self.truth)
            return False
        except Wrong:
            check(self.written)
            return True

    # ---- bug models

    def small(self, name: str) -> lookalikes.SmallGraph | None:
        """How a node is made, as a small graph of one line at the numbers that are written."""
        return lookalikes.small_graph({name: self.graph.made[name]}, self.written.values)

    def like(self, s: Statement, before: Number) -> set[str]:
        """The bug models that give the number of a statement at this step."""
        if s.claim is None or s.kind == "given":
            return set()
        if s.kind == "value":
            graph = self.small(s.name) if s.name in self.graph.made else None
            return lookalikes.like_value(graph, s.claim) if graph else set()
        if s.name == self.graph.output:
            return lookalikes.like_seed(s.claim)
        users = dict.fromkeys(a.user for a in reversed(self.graph.arrows(s.name)) if s.by in ("", a.user))
        shares = [(graph, self.written.grad(user)) for user in users if (graph := self.small(user))]
        if not shares or len(shares) < len(users):
            return set()
        found = lookalikes.like_gradient(shares, s.name, before, s.claim)
        return found | lookalikes.like_slope(shares[0][0], s.name, s.claim) if s.kind == "local" else found

    def like_whole(self) -> set[str]:
        """The bug models that give all gradients of the leaves as they are written in the end."""
        values = self.written.values
        made = self.graph.made
        known = made and all(name in values or name in made for one in made.values() for name in one.names)
        graph = lookalikes.small_graph(made, values) if known else None
        return lookalikes.like_whole(graph, self.written.so_far)

    # ---- forward

    def judge_given(self, s: Statement) -> bool:
        """A number that is given is believed, the first time."""
        if s.claim is None:
            raise NotUnderstood(f"{s.name} is given no number")
        if self.graph.made and not self.unread and s.name not in self.graph.nodes and s.place.startswith("line"):
            raise NotUnderstood(f"nothing is made of {s.name}: a gradient is written x.grad or ∂f/∂x")
        if s.name in self.truth.values:
            return self.judge_again(s)
        for world in self.written, self.truth:
            world.known(s.name, Number(s.claim.value))
        return False

    def judge_again(self, s: Statement) -> bool:
        """A number that was told before."""
        def check(world: World) -> None:
            if s.claim and not s.claim.is_like(world.value(s.name)):
                raise differs(rules.AGAIN, s.name, world.value(s.name), s.claim)
            self.check_sides(s, world, lambda sign: [world.value(s.name)])
        return self.in_a_world(check)

    def judge_value(self, s: Statement) -> bool:
        """How a node is made, and its number."""
        if s.made is None:
            return self.judge_again(s)
        if not all(isinstance(atom, str | Number) for atom in s.made.atoms):
            raise NotUnderstood(f"{s.name} is a value, and a gradient stands in its formula")
        self.take_given(s)
        is_again = s.name in self.truth.values
        expected = {world: s.made.at([world.resolved(atom) for atom in s.made.atoms])[0]
                    for world in (self.written, self.truth)}

        def check(world: World) -> None:
            self.check_numbers(s, world)
            if is_again and not expected[world].is_like(world.value(s.name)):
                raise differs(rules.AGAIN, s.name, world.value(s.name), expected[world])
            if s.claim and not s.claim.is_like(expected[world]):
                raise differs(rules.VALUE, s.name, expected[world], s.claim)
            self.check_sides(s, world, lambda sign: [expected[world]])
        try:
            self.check_task(s)
            return self.in_a_world(check)
        finally:
            self.written.known(s.name, s.claim or expected[self.written])
            self.truth.known(s.name, expected[self.truth])

    def check_task(self, s: Statement) -> None:
        """Is the output the function that was asked for, at other numbers too?"""
        if self.task is None or s.name != self.graph.output:
            return
        for k in range(4):
            at = {leaf: as_fraction(leaf.data) * (1 + Fraction(k, 16)) + Fraction(k, 32)
                  for leaf in leaves_in(topological_order(self.task))}
            with errstate(all="ignore"):
                asked = Number(replay(self.task, at={leaf: float(x) for leaf, x in at.items()}).value)
            found = self.graph.value_at({leaf.label: Number(x) for leaf, x in at.items()})
            if found is None:
                raise NotUnderstood("it is made of other names than those of the task")
            if not found.is_like(asked):
                where = ", ".join(f"{leaf.label} = {Number(x).text}" for leaf, x in at.items())
                raise Wrong(rules.TASK, f"{s.name} is not what was asked for: with {where} it is {found.text}, "
                            f"and should be {asked.text}")

    def take_given(self, s: Statement) -> None:
        """The numbers of leaves that are told nowhere else but here: `q = x + y = -2 + 5 = 3`."""
        pairs = self.pairs(s)
        for name in s.made.names if s.made else ():
            number = next((number for atom, number in pairs if atom == name), None)
            if name not in self.truth.values and name not in self.graph.made and number:
                for world in self.written, self.truth:
                    world.known(name, Number(number.value))

    def pairs(self, s: Statement) -> list[tuple[Atom, Number]]:
        """(what stands in a formula of the statement, the number that is put in for it)."""
        formulas = [*([s.made] if s.made else []), *[side for _, side in s.sides if not side.is_number]]
        return [pair for formula in formulas for _, side in s.sides if side.is_number for pair in formula.put_in(side)]

    # ---- sides

    def check_numbers(self, s: Statement, world: World, along: Sequence[Arrow] = ()) -> None:
        """The numbers that are put in for names."""
        for atom, number in self.pairs(s):
            known = [world.resolved(atom, local, along) for local in (False, True)]
            if not any(map(number.is_like, known)):
                raise differs(rules.NUMBERS, name_of(atom), known[0], number)

    def check_sides(self, s: Statement, world: World, wanted: Callable[[str], list[Number]],
                    along: Sequence[Arrow] = ()) -> None:
        """Every side comes to one of the numbers that are wanted behind its sign."""
        sign = ""
        for own, side in s.sides:
            sign = own if own != "=" or not sign else sign
            for local in (True, False):
                found, _ = side.at([world.resolved(atom, local, along) for atom in side.atoms])
                if any(found.is_like(number) for number in wanted(sign)):
                    break
            else:
                raise Wrong(rules.SIDES, f"{side.said} is {found.text}, not {wanted(sign)[0].text}")

    # ---- backward

    def judge_nothing(self, s: Statement) -> bool:
        """Nothing arrives at these nodes."""
        def check(world: World) -> None:
            for node in map(self.node, s.name.split(", ")):
                if not world.shares(self.graph.arrows(node)).is_like(ZERO):
                    raise differs(rules.NOTHING, f"{node}.grad", world.shares(self.graph.arrows(node)), ZERO)
        try:
            return self.in_a_world(check)
        finally:
            for node in s.name.split(", "):
                self.arrive(node, self.graph.arrows(node), ZERO)

    def judge_total(self, s: Statement) -> bool:
        """The gradient of a node: of the output, what it begins with, of others, all that comes or came."""
        node = self.node(s.name)
        if node == self.graph.output:
            self.arrive(node, [], s.claim or self.graph.seed)
            if s.claim and not s.claim.is_like(self.graph.seed):
                raise Wrong(rules.SEED, f"{node}.grad begins as {self.graph.seed.text}, not as {s.claim.text}")
            return False
        arrows = self.graph.arrows(node)
        users = {atom.of for _, side in s.sides for atom in side.atoms if isinstance(atom, Gradient | Partial)}
        open_ones = [a for a in arrows if a not in self.arrived and a.user in users]
        self.check_order(open_ones or arrows)
        options = [arrows] + [[*[a for a in arrows if a in self.arrived], *open_ones]] * bool(open_ones)
        return self.first_option(s, node, options, self.check_total)

    def check_total(self, s: Statement, world: World, arrows: list[Arrow]) -> None:
        """The gradient of a node, made of what comes along these arrows."""
        wanted = world.shares(arrows)
        if s.claim and not s.claim.is_like(wanted):
            told = Partial(s.by, s.name) if s.kind == "local" else Gradient(s.name)
            raise differs(rules.TOTAL, name_of(told), wanted, s.claim)
        self.check_numbers(s, world, arrows)
        self.check_sides(s, world, lambda sign: [wanted], arrows)

    def judge_added(self, s: Statement) -> bool:
        """What comes along one arrow, or along several at once."""
        node = self.node(s.name)
        known = s.edge is not None or any(a.user == s.by for a in self.graph.arrows(node))
        by = s.by if known or node not in self.truth.derivatives(s.by) else ""      # further away: any arrow is meant
        arrows = [a for a in self.graph.arrows(node) if by in ("", a.user) and s.edge in (None, a.i)]
        if by and not arrows:
            raise Wrong(rules.ARROW, f"{s.by} is not made of {node}" if s.edge is None else
                        f"input {s.edge + 1} of {s.by} is not {node}")
        left = [a for a in arrows if a not in self.arrived]
        if not left:
            raise Wrong(rules.ONCE, f"all that comes to {node} {f'from {by} ' if by else ''}was added before")
        self.check_order(left if by else [])
        options = [[a] for a in reversed(left)] + [left] * (len(left) > 1)
        return self.first_option(s, node, options, self.check_terms if s.terms else self.check_added)

    def check_terms(self, s: Statement, world: World, arrows: list[Arrow]) -> None:
        """The numbers of a step of JSON: before, what arrives, local derivative, after."""
        assert s.terms and s.claim
        before, upstream, local = s.terms
        known = world.so_far.get(s.name, ZERO), world.grad(s.by), world.slope(arrows[0])
        names = f"{s.name}.grad before", f"{s.by}.grad", f"∂{s.by}/∂{s.name}"
        for rule_of, name, told, number in zip((rules.BEFORE, rules.UPSTREAM, rules.LOCAL), names, s.terms, known):
            if not told.is_like(number):
                raise differs(rule_of, name, number, told)
        after = before.plus(upstream.times(local)) if local.value else before
        if not s.claim.is_like(after):
            raise differs(rules.SUM, f"{before.text} + {upstream.text} × {local.text}", after, s.claim)

    def check_added(self, s: Statement, world: World, arrows: list[Arrow]) -> None:
        """`x.grad += f.grad × ∂f/∂x → 0 + 1 × 3 = 3`, or `x.grad += 1 × 3 = 3`."""
        part, before = world.shares(arrows), world.so_far.get(s.name, ZERO)
        after = before.plus(part)
        has_arrow = tells_all(s)
        for (_, formula), (sign, side) in zip(s.sides, s.sides[1:]):
            if sign != "=":
                self.check_sum(s, formula, side, world, arrows)
        if s.claim and not s.claim.is_like(after) and (has_arrow or not s.claim.is_like(part)):
            wanted = after if has_arrow else part
            raise differs(rules.SUM, f"{s.name}.grad" if has_arrow else "what is added", wanted, s.claim)
        self.check_sides(s, world, lambda sign: [part] if sign == "+=" and has_arrow else
                         [after] if has_arrow else [part, after], arrows)

    def check_sum(self, s: Statement, formula: Written, side: Written, world: World, arrows: list[Arrow]) -> None:
        """The numbers in `0 + 1 × 3`: the gradient before, and those that stand for the formula."""
        before = world.so_far.get(s.name, ZERO)
        first, others = side.without_first()
        if first and not first.is_like(before):
            raise differs(rules.BEFORE, f"{s.name}.grad before", before, first)
        for atom, number in formula.put_in(others) if others else ():
            known = world.resolved(atom, True, arrows)
            if not number.is_like(known):
                broken = rules.UPSTREAM if isinstance(atom, Gradient) else rules.LOCAL
                raise differs(broken, name_of(atom), known, number)

    def judge_local(self, s: Statement) -> bool:
        """∂f/∂x: a local derivative where there is an arrow; of the output, the gradient as well."""
        of, by = self.node(s.by), self.node(s.name)
        arrows = [a for a in self.graph.arrows(by) if a.user == of]
        if of == self.graph.output:
            try:
                return self.judge_total(s)
            except Wrong:
                if not arrows or len(arrows) == len(self.graph.arrows(by)):
                    raise

        def check(world: World) -> None:
            wanted = world.resolved(Partial(of, by), local=True)
            if s.claim and not s.claim.is_like(wanted):
                raise differs(rules.LOCAL, f"∂{of}/∂{by}", wanted, s.claim)
            self.check_sides(s, world, lambda sign: [wanted])
        return self.in_a_world(check)

    # ---- what has arrived

    def node(self, name: str) -> str:
        """A node; NotUnderstood if no line says what it is."""
        if name not in self.graph.nodes and name not in self.truth.values:
            raise NotUnderstood(f"no line says what {name} is")
        return name

    def check_order(self, arrows: list[Arrow]) -> None:
        """A gradient may be used when all of it has arrived."""
        for user in {a.user for a in arrows if a.user in self.written.so_far and a.user != self.graph.output}:
            late = [a for a in self.graph.arrows(user) if a not in self.arrived and self.truth.share(a).value]
            if late:
                raise Wrong(rules.ORDER, f"{user}.grad is used before all of it has arrived: "
                            f"what comes from {' and '.join(dict.fromkeys(a.user for a in late))} is missing")

    def first_option(self, s: Statement, node: str, options: list[list[Arrow]],
                     check: Callable[[Statement, World, list[Arrow]], None]) -> bool:
        """The first of these sets of arrows that the statement is right for; else Wrong, as for the first of them."""
        problem: Wrong | None = None
        for arrows in options:
            try:
                follows = self.in_a_world(lambda world, arrows=arrows: check(s, world, arrows))   # type: ignore[misc]
                self.arrive(node, arrows, self.gradient_after(s, node, arrows))
                return follows
            except Wrong as wrong:
                problem = problem or wrong
        self.arrive(node, options[0], self.gradient_after(s, node, options[0]))
        raise problem or NotUnderstood(f"nothing comes to {node}")

    def gradient_after(self, s: Statement, node: str, arrows: list[Arrow]) -> Number:
        """The gradient of a node as a statement leaves it: what it tells, or what it tells to be added."""
        before = self.written.so_far.get(node, ZERO)
        after = before.plus(self.written.shares([a for a in arrows if a not in self.arrived]))
        if s.claim is None or s.claim.is_like(after):
            return s.claim or after
        return before.plus(s.claim) if s.kind == "added" and not tells_all(s) else s.claim

    def arrive(self, node: str, arrows: list[Arrow], after: Number) -> None:
        """Take it that these arrows have arrived at a node, and that its gradient is written as this."""
        new = [a for a in arrows if a not in self.arrived]
        self.truth.has_arrived(node, self.truth.so_far.get(node, ZERO).plus(self.truth.shares(new)))
        self.written.has_arrived(node, after)
        self.arrived.update(new)

    def missing(self) -> list[tuple[str, str]]:
        """What no line says, once there are gradients: (words, what is missing)."""
        if not any(s.kind in ("added", "total", "local", "nothing") for s in self.statements) or not self.graph.output:
            return []
        wanted = [node for node in self.wanted if node in self.truth.values]
        absent = [n for n in wanted if n not in self.written.so_far and self.truth.grad(n).value]
        found = []
        if absent:
            names = " and ".join(filter(None, [", ".join(absent[:-1]), absent[-1]]))
            found.append((f"no line gives the gradient{'s' * (len(absent) > 1)} of {names}",
                          "if they are not asked for, say which are: --of, or of=[...]"))
        for node in wanted:
            late = [a for a in self.graph.arrows(node) if a not in self.arrived and self.truth.share(a).value]
            if late and node in self.written.so_far:
                users = " and ".join(dict.fromkeys(a.user for a in late))
                found.append((f"{node}.grad", f"what comes from {users} is never added"))
        return found


def tells_all(s: Statement) -> bool:
    """Does it tell the whole gradient, and not only what is added?"""
    return bool(s.terms) or any(sign in ("→", "->", "=>", "⇒") for sign, _ in s.sides)


def as_fraction(x: float) -> Any:
    """A number of a task as the fraction that was typed: 0.1 is 1/10."""
    return Fraction(repr(x)) if math.isfinite(x) else x
