"""How a message is described: its title and the layout of its body in each edition of the standard."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from devices.truck.jt808.fields import Field, Layout, Maybe

Edition = Literal[2011, 2013, 2019]
EDITIONS: tuple[Edition, ...] = get_args(Edition)


class Described(NamedTuple):
    """One message id. An edition without a body of its own has that of 2013."""

    title: str
    edition_2013: Field
    edition_2011: Field | None = None
    edition_2019: Field | None = None

    def body(self, edition: Edition) -> Field:
        """The layout in that edition."""
        own = {2011: self.edition_2011, 2013: self.edition_2013, 2019: self.edition_2019}[edition]
        return own or self.edition_2013


def body(*fields: tuple[str, Field | Maybe]) -> Layout:
    """A body that keeps bytes it does not know as `rest`: makers append to standard messages."""
    return Layout(*fields, open_=True)
