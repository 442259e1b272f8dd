"""Columns of a table, given out and taken back, so that what is no longer needed makes room for what is to come."""


class Columns:
    """The columns of a table; a new one has some that are never given out.

    is_free     of each column 1 or 0

    >>> columns = Columns(2)
    >>> columns.take(3), columns.take(2)
    (2, 5)
    >>> columns.give_back(2, 3)
    >>> columns.take(4), columns.take(2), columns.count
    (7, 2, 11)
    """

    def __init__(self, count: int):
        self.is_free = bytearray(count)

    @property
    def count(self) -> int:
        return len(self.is_free)

    def add(self, count: int) -> int:
        """The first of so many columns that were never used."""
        self.is_free += bytes(count)
        return self.count - count

    def take(self, count: int) -> int:
        """The first of so many columns in a row: the first free ones, or new ones."""
        first = self.is_free.find(b"\1" * count)
        if first < 0:
            return self.add(count)
        self.is_free[first:first + count] = bytes(count)
        return first

    def give_back(self, first: int, count: int) -> None:
        self.is_free[first:first + count] = b"\1" * count
