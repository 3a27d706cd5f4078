"""What is said to a user who made a mistake, and how near a misspelt name is to a valid one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake in what the user wrote or gave: one message, no traceback.

    `where` is a file, a YAML path or a variable and index; `expected` and `found` name the
    two sides of the mismatch; `hint` says what to do.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        found: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.where = what, where
        self.expected, self.found, self.hint = expected, found, hint
        super().__init__(self._message())

    def _message(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.hint is not None:
            parts.append(self.hint)
        return "; ".join(parts)

    def at(self, where: str) -> UserError:
        """Return the same message located one level further out (`where` is put in front)."""
        inner = f"{where}.{self.where}" if self.where else where
        return UserError(
            self.what, where=inner, expected=self.expected, found=self.found, hint=self.hint
        )


class ResiduumWarning(UserWarning):
    """Something the user should know that does not stop the run."""


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """Return the valid name most like `name`, or None when none is close.

    >>> nearest("lnyx", ["hare", "lynx"])
    'lynx'
    """
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return matches[0] if matches else None


def unknown_name(name: str, valid: Iterable[str], *, what: str, where: str = "") -> UserError:
    """Return the error for a name outside `valid`, with the nearest valid one as the hint."""
    choices = sorted(valid)
    close = nearest(name, choices)
    return UserError(
        f"unknown {what} {name!r}",
        where=where or None,
        expected=f"one of {', '.join(choices)}" if choices else None,
        hint=f"did you mean {close!r}?" if close else None,
    )
