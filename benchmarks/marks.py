"""Tables that are written into a page that people write, between two marks."""


def with_table(page: str, marks: tuple[str, str], table: str) -> str:
    """A page with this table in place of what stands between its marks.

    >>> with_table("before <a>old<b> after", ("<a>", "<b>"), "new")
    'before <a>\\nnew\\n\\n<b> after'
    """
    start, end = marks
    head, _, rest = page.partition(start)
    return head + start + "\n" + table + "\n\n" + end + rest.partition(end)[2]
