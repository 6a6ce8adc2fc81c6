"""How a field says its unit, its bounds and its names in both languages, beside its type."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta


def quantity(
    unit: str,
    en: str,
    zh: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    pattern: str | None = None,
    max_length: int | None = None,
    about: str | None = None,
) -> Meta:
    """Annotate a field with its unit (UCUM-like text, "" for none), its titles and the bounds it must keep.

    `about` is one sentence for whoever reads a panel or the AsyncAPI document.
    """
    bounds: dict[str, Any] = {"ge": ge, "le": le, "pattern": pattern, "max_length": max_length}
    return Meta(
        **{name: bound for name, bound in bounds.items() if bound is not None},
        title=en,
        description=about,
        extra_json_schema={"unit": unit} if unit else None,
        extra={"unit": unit, "en": en, "zh": zh},
    )


#: The end of a text in JSON Schema's regular expressions and in Python's, whose `$` would let a last newline pass.
END = r"$(?!\n)"
#: A name in a topic, a tag and a path: one topic level, at most 64 characters, never a person's number.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}" + END
Id = Annotated[str, Meta(pattern=ID_PATTERN, max_length=64)]
