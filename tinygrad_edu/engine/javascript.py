"""Rules as JavaScript: what pages compute by, in a browser without Python.

>>> from tinygrad_edu.engine.ops import mul
>>> print(function_of(mul))
(x, y, g) => {
  g[0] = y;
  g[1] = x;
  return x * y;
}
"""

import re
from collections.abc import Iterable

from . import printer
from .formula import Row
from .op import OPS, Op

ROWS = {
    "row": "const {t} = []; for (let i = 0; i < n; i++) {t}[i] = {x};",
    "total": "let {t} = 0; for (let i = 0; i < n; i++) {t} = i ? {t} + ({x}) : {x};",
    "product": "let {t} = 1; for (let i = 0; i < n; i++) {t} *= {x};",
    "largest": "let {t} = 0; for (let i = 0; i < n; i++) "
               "{{ const x_ = {x}; {t} = i && ({t} != {t} || {t} >= x_) ? {t} : x_; }}",
    "smallest": "let {t} = 0; for (let i = 0; i < n; i++) "
                "{{ const x_ = {x}; {t} = i && ({t} != {t} || {t} <= x_) ? {t} : x_; }}",
    "others": "const {t} = []; {{ let p_ = 1; for (let i = 0; i < n; i++) {{ {t}[i] = p_; p_ *= {x}; }} "
              "p_ = 1; for (let i = n - 1; i >= 0; i--) {{ {t}[i] *= p_; p_ *= {x}; }} }}",
}

# The words of `formula.py` that JavaScript has not, or has otherwise; `erf` is the only function among them.
WORDS = {name: f"Math.{name}" for name in (
    "abs exp expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh atan2 "
    "floor ceil").split()} | {
    "larger": "(x, y) => x !== x ? x : y !== y ? y : x > y ? x : y",
    "smaller": "(x, y) => x !== x ? x : y !== y ? y : x < y ? x : y",
    "sign": "x => x > 0 ? 1 : x < 0 ? -1 : 0 * x",
    "sign_of": "(x, size) => x < 0 || Object.is(x, -0) ? -size : size",
    "at": "(x, i) => Number.isInteger(i) && i >= 0 && i < x.length ? x[i] : NaN",
    "is_whole": "x => x % 1 === 0",
    "exp2": "x => 2 ** x",
    "pow": "(x, y) => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y",
    "round": "x => Math.abs(x) < 2 ** 52 ? sign_of(x, Math.abs(x) + 2 ** 52 - 2 ** 52) : x",
    "floored_remainder": """(x, y) => {
  const rest = x % y;
  return rest === 0 ? sign_of(y, 0) : (rest < 0) !== (y < 0) ? rest + y : rest;
}""",
    "floored_quotient": """(x, y) => {
  const rest = x % y, steps = (x - rest) / y - (rest !== 0 && (rest < 0) !== (y < 0)), down = Math.floor(steps);
  return y === 0 ? x / y : steps === 0 ? sign_of(x / y, 0) : steps - down > 0.5 ? down + 1 : down;
}""",
    # Below 1 by its power series, x + x (2/√π - 1 + 2/√π (-x²/3 + x⁴/10 - ...)), whose rounding hardly counts beside x.
    "erf": """x => {
  const size = Math.abs(x);
  if (size >= 1) return sign_of(x, 1 - erfc_of(size));
  let series = 0;
  for (let k = 18; k > 0; k--) series = -x * x / k * (1 / (2 * k + 1) + series);
  return x + x * (0.12837916709551256 + 1.1283791670955126 * series);
}""",
    "erfc": "x => erfc_of(x)",
}


def function_of(op: Op) -> str:
    """An op's rule as a JavaScript function: it gives the value, and puts the local gradients into the array g.

    Where the op takes rows, they are arrays, and g has the local gradients of one row after the other.
    """
    value, partials = op.formulas(op.rule)
    lines, (result, *gradients) = printed(op, [value, *partials])
    for k, gradient in enumerate(gradients):
        lines.append(f"for (let i = 0; i < n; i++) g[{f'{k} * n + ' * (k > 0)}i] = {gradient};" if op.rows else
                     f"g[{k}] = {gradient};")
    return in_braces([*arguments(op), "g"], [*lines, f"return {result};"])


def printed(op: Op, roots: list) -> tuple[list[str], list[str]]:
    """The lines that compute formulas of an op's inputs, and the text of each formula."""
    statements, texts = printer.program(roots, printer.JAVASCRIPT)
    lines = [f"const n = {arguments(op)[0]}.length;"] * op.rows
    lines += [f"const {name} = {text};" if kind == "let" else ROWS[kind].format(t=name, x=text)
              for kind, name, text in statements]
    return lines, [as_number(root.element if type(root) is Row else root, text) for root, text in zip(roots, texts)]


def arguments(op: Op) -> list[str]:
    return [printer.javascript_name(name) for name in [*op.inputs, *op.constants]]


def in_braces(arguments: list[str], lines: list[str]) -> str:
    return "\n  ".join([f"({', '.join(arguments)}) => {{", *lines]) + "\n}"


def as_number(formula: object, text: str) -> str:
    """What was written of a formula, as a number: 1 or 0 of a comparison."""
    return f"+({text})" if printer.is_condition(formula) else text


def functions_of(ops: Iterable[Op]) -> tuple[dict[str, str], dict[str, str]]:
    """The functions of ops and of those that they call, and the words that these call, by their names.

    Raises ValueError where two ops have one name, or a name that is none in JavaScript.
    """
    functions: dict[str, str] = {}
    words: dict[str, str] = {}
    waiting, known = [*ops], dict[str, Op]()
    while waiting:
        op = waiting.pop(0)
        if known.setdefault(op.name, op) is not op:
            raise ValueError(f"two ops are called {op.name}: give one of them another name, to be in one script")
        if not op.name.isidentifier() or op.name == "__proto__":
            raise ValueError(f"an op called {op.name!r} cannot be printed as JavaScript: give its function a name")
        if op.name not in functions:
            functions[op.name] = function_of(op)
            waiting += called(op, functions[op.name], words)
    return functions, words


def called(op: Op, text: str, words: dict[str, str]) -> list[Op]:
    """The ops that a text calls; the words in it, and in these, are entered into `words`."""
    found = []
    for word in re.findall(r"(?<![\w.$])[^\W\d]\w*(?=\()", text):
        name = word.removesuffix("_of")
        if name == op.name and word not in WORDS:
            raise ValueError(f"op {name} calls an op of its own name: give one of them another, to be in one script")
        if word in words:
            continue
        if word in WORDS:
            words[word] = WORDS[word]
            found += called(op, WORDS[word], words)
        elif name in OPS:
            words[word] = value_of(OPS[name])
            found.append(OPS[name])
        else:
            raise ValueError(f"op {op.name} calls {name}, which cannot be printed as JavaScript")
    return found


def value_of(op: Op) -> str:
    """The value of an op alone: what rules call that use another op.

    >>> from tinygrad_edu.engine.ops import erfc
    >>> value_of(erfc)
    '(x) => rules.erfc(x, [])'
    """
    inputs = arguments(op)[:len(op.inputs)]
    constants = [printer.literal(number, printer.JAVASCRIPT)[1] for number in op.constants.values()]
    return f"({', '.join(inputs)}) => rules.{op.name}({', '.join([*inputs, *constants, '[]'])})"


def rules_script(ops: Iterable[Op]) -> str:
    """A script that declares `rules`: these ops' functions by their names, in a scope with the words that they call.

    Raises ValueError where two ops have one name, or one that is none in JavaScript.

    >>> from tinygrad_edu.engine.ops import mul
    >>> print(rules_script([mul]))
    const {rules} = (() => {
    const rules = {__proto__: null,
    mul: (x, y, g) => {
      g[0] = y;
      g[1] = x;
      return x * y;
    },
    };
    return {rules};
    })();
    """
    functions, words = functions_of(ops)
    return in_scope(words, rules=functions)


def in_scope(words: dict[str, str], **tables: dict[str, str]) -> str:
    """A script that declares tables by their names, in a scope with the words that their functions call."""
    lines = [f"const {word} = {text};" for word, text in words.items()]
    for name, table in tables.items():
        rows = "".join(f"{key}: {text},\n" for key, text in table.items())
        lines.append(f"const {name} = {{__proto__: null,\n{rows}}};")
    names = f"{{{', '.join(tables)}}}"
    return "\n".join([f"const {names} = (() => {{", *lines, f"return {names};", "})();"])
