"""A line of worked steps without what typesets it: LaTeX, Markdown, tables, and the words around its formulas."""

import re
import unicodedata
from collections.abc import Collection, Iterator

from ...engine.op import OPS

IN_PARENTHESES = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
NODE = rf"(?:[^\W\d]\w*(?:\[[\d,]+\])?(?:{IN_PARENTHESES})?|{IN_PARENTHESES})"
PARTIAL = re.compile(rf"(?:∂|\bd(?=[^\W\d]\w*\s*/\s*d[^\W\d]))\s*({NODE})\s*/\s*(?:∂|d)\s*({NODE})")
GRADIENT = re.compile(rf"({NODE})\.grad(?:ient)?\b|\bgrad\((\w+)\)|\b([^\W\d]\w*)_grad\b|\bgrad_([^\W\d]\w*)|∇({NODE})")
RELATION = re.compile(r"\+=|→|->|=>|⇒|≈|(?<![<>!=+])=(?!=)")
INDEXED = re.compile(r"([^\W\d]\w*)\[([\d, ]+)\]")
FRACTION = re.compile(r"\\[dt]?frac\{((?:[^{}]|\{[^{}]*\})*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
AT = re.compile(r"\|_?(?:\{([^{}|]*=[^{}|]*)\}|\(([^()|]*=[^()|]*)\))")               # ∂f/∂x|_{x=2}
VECTOR = re.compile(r"(?:∇([^\W\d]\w*)|\(([^()=]*)\))\s*=\s*[(\[⟨]?([^=]*?)[)\]⟩]?\s*(=.*)?")
TURNED = {                              # what is read as something else: LaTeX first, then Markdown, then words
    r"\\mathrel\{\+\}\s*=": "+=", r"\\(?:cdot|times)\b": "*", r"\\partial\b\s*": "∂", r"\\nabla\b\s*": "∇",
    r"\\(?:to|rightarrow)\b": "→", r"\\(?:implies|Rightarrow)\b|⟹": "⇒", r":=": "=", r"\\therefore\b|∴": "",
    r"\\approx\b|≃": "≈", r"\\sigma\b": "sigmoid", r"\\[lr]angle\b": " ",
    r"\\(?:left|right|[bB]igg?[lr]?|q?quad|displaystyle|boxed)(?![a-z])|\\[,;!]": " ", r"\\[()\[\]]|\\\\|&": " ",
    r"\\(?:begin|end)\{[^{}]*\}": " ", r"\^\{?\\prime\}?|[′’]": "'",
    r"\\(?:text|mathrm|operatorname|mathit|mathbf)\{([^{}]*)\}": r"\1", r"\\([dt]?frac)\s*(\d)\s*(\d)": r"\\\1{\2}{\3}",
    r"_\{([^{}]*)\}": r"\1", r"\^\{([^{}]*)\}": r"^(\1)",
    r"\\vert\b\s*": "|", r"\\lt\b": "<", r"\\gt\b": ">", r"\\(exp|log|ln|tanh|sin|cos|tan|max|min|sqrt)\b": r"\1",
    r"\b(?:\w+\.)?(?:Value|tensor)\(\s*([-+\d.]+)\s*(?:,[^()]*)?\)": r"\1", r"\\bar\{(\w+)\}|(\w)\u0304": r"\1\2.grad",
    r"\\(alpha|beta|gamma|delta|eta|theta|mu|phi|omega)(?![a-z])": r"\1"}
BOLD = {                                # bold letters, which are no powers; slanted ones where a line begins
    r"(?<![\w)\]*])\*\*(?=\S)(.+?)(?<=\S)\*\*(?![\w(*])": r"\1", r"^\*(?=\S)([^*]+)\*(?=\s)": r"\1", r"^\**|\**$": ""}
OF = r"(?:gradient|derivative|∂)s?(?: of ([^\W\d]\w*))?(?: with respect to|,? w\.?\s?r\.?\s?t\.?) ([^\W\d]\w*)"
CLAIMED = re.compile(rf"(?P<claim>{OF}|{PARTIAL.pattern}|[^\W\d]\w*\.grad)\s*"
                     r"(?:\bis\b|\bequals\b|:(?!=))\s*(?=[-+(\d=∂\w])")
MACRON = "\u0304"
COMMENT = re.compile(r"\s*#\s*([-+]?[\d.]+)$|\s*#[^\d]*$")
# Between two statements, before one, and behind one: what holds a number or a sign is never dropped.
CONNECTS = re.compile(r"[;,:]|\b(?:and|with|where|so|then|thus|hence|therefore|but|at|we have|gives)\b|⇒|=>")
WORDS_BEFORE = re.compile(r"(?:[^\W\d_][^\W\d_']+[,:]?\s+)+(?=[^\W_]|∂|∇|\([^()]*\)\s*=\s*\()")
WORDS_BEHIND = re.compile(r"\s*[(,]?\s*\b(?:by|as|because|since|using|from|which|for|chain|product|upstream)"
                          r"\b[^\d=∂]*$|\s*\([^()\d=∂]*[^\W\d_]{3,} [^()\d=∂]*\)$")


def plain(line: str) -> str:
    r"""A line without what typesets it.

    >>> plain(r"3. $\frac{\partial f}{\partial x} = 2 \cdot x_{1}$")
    '∂f/∂x = 2 * x1'
    >>> plain("**Step 2:** gradient of f with respect to x is **-4**.")
    '∂f/∂x = -4'
    """
    text = re.sub(r"[–−]", "-", line.strip()).replace("×", "*").replace("·", "*")
    text = unicodedata.normalize("NFD", text) if MACRON in unicodedata.normalize("NFD", text) else text  # x̄: x.grad
    text = re.sub("[¼-¾⅐-⅞]", lambda m: f"({unicodedata.normalize('NFKC', m[0])})".replace("⁄", "/"), text)
    text = row_of_table(cells_of(text)) if text.startswith("|") else text
    if re.match(r"\d+\s{2,}", text):                            # a table of the terminal
        text = row_of_table(re.split(r"\s{2,}", text))
    points = [at[0] or at[1] for at in AT.findall(text)]
    text = re.sub(r"^(?:(?:\d+[.)]|[-*•]|>+|#+)\s+)+", "", without_latex(AT.sub("", text)))
    text = re.sub(r"[$`✓✔✅]", "", COMMENT.sub(lambda m: f" = {m[1]}" if m[1] else "", text)).strip()
    for pattern, read in BOLD.items():
        text = re.sub(pattern, read, text)
    text = CLAIMED.sub(claimed, re.sub(r"\bgrad (?:of )?([^\W\d]\w*)(?=\s*=)", r"\1.grad", text))
    text = re.sub(r"\.\s+(?=[^\W_]|∂|∇)", "; ", re.sub(r"[.,;:\s]+$", "", text))
    text = re.sub(r"(^|; )[^=→∂;]*?\w:\s+(?=\S)", r"\1", text) if RELATION.search(text) else text
    text = re.sub(r"\)\s*\((?!input)", ") * (", INDEXED.sub(lambda m: f"{m[1]}ː{re.sub('[, ]+', 'ː', m[2])}", text))
    return re.sub(r"\s+", " ", "; ".join([*points, text])).strip()


def without_latex(text: str) -> str:
    """A line as it would be typed without LaTeX."""
    for pattern, read in TURNED.items():
        text = re.sub(pattern, read, text)
    while match := FRACTION.search(text):
        over, under = match.groups()
        bare = all(part.strip().startswith(("∂", "d")) for part in match.groups())
        text = text[:match.start()] + (f"{over}/{under}" if bare else f"({over})/({under})") + text[match.end():]
    return text


def claimed(match: re.Match[str]) -> str:
    """`∂f/∂x =` for "the gradient of f with respect to x is", and `x.grad =` where no f is named."""
    of, by = match[2], match[3]
    return f"∂{of}/∂{by} = " if of else f"{by}.grad = " if by else f"{match['claim']} = "


def cells_of(row: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def row_of_table(cells: list[str]) -> str:
    """The formula and its numbers in a row of a table of steps; other rows are joined by spaces."""
    if len(cells) >= 3 and cells[0].isdigit() and cells[1] in ("forward", "seed", "backward", "stopped"):
        sign = "→" if cells[1] in ("backward", "stopped") else "="
        return f"{cells[2]} {sign} {cells[3]}" if len(cells) > 3 else cells[2]
    return "" if all(re.fullmatch(r":?-*:?", cell) for cell in cells) else "  ".join(cells)


def pieces(text: str, names: Collection[str] = ()) -> Iterator[str]:
    """The statements on one line, without the words around them, unless these are names.

    >>> list(pieces("So x = -2, y = 5 and we have q = x + y = 3, since q is their sum"))
    ['x = -2', 'y = 5', 'q = x + y = 3']
    >>> list(pieces("w.grad, x.grad → 0"))
    ['w.grad, x.grad → 0']
    """
    start = 0
    for match in CONNECTS.finditer(text):
        before, behind = text[start:match.start()], text[match.end():]
        is_open = before.count("(") + before.count("[") > before.count(")") + before.count("]")
        starts = re.match(rf"\s*(?:{PARTIAL.pattern}|[^\W\d]\w*(?:\.grad)?)\s*=", behind) if match[0] in "⇒=>" else True
        if not is_open and starts and RELATION.search(before) and RELATION.search(behind):
            yield without_words(before, names)
            start = match.end()
    yield without_words(text[start:], names)


def without_words(piece: str, names: Collection[str]) -> str:
    """A statement without the words before and behind it; what holds a number is kept."""
    piece = piece.strip(" ,;:{}")
    if not RELATION.search(piece):
        return piece
    before = WORDS_BEFORE.match(piece)
    if before and not {"grad", "if", *OPS, *names}.intersection(re.findall(r"\w+", before[0])):
        piece = piece[before.end():]
    return WORDS_BEHIND.sub("", piece)
