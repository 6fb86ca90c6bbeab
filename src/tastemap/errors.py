"""What tastemap says when it is given something that it cannot use."""

from typing import Any


class InputError(ValueError):
    """Something given cannot be used; the message has three parts.

    Parameters
    ----------
    given
        What was given, with the value, and the file and line where there is one.
    allowed
        What would have been accepted.
    remedy
        What to do next: an option, a command, a line to change.

    Examples
    --------
    >>> print(InputError("k is 0", "a whole number from 1 on", "pass k=10"))
    k is 0
      allowed: a whole number from 1 on
      to do:   pass k=10
    """

    def __init__(self, given: str, allowed: str, remedy: str) -> None:
        super().__init__(f"{given}\n  allowed: {allowed}\n  to do:   {remedy}")
        self.given = given
        self.allowed = allowed
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way from a child process, whatever a subclass's arguments are."""
        return type(self).__new__, (type(self), str(self)), self.__dict__


class UsageError(InputError):
    """An argument or option is wrong, as opposed to the data behind it (exit code 2)."""


class MissingExtra(InputError, ImportError):
    """An optional package is needed here and is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed",
            f"tastemap with the extra '{extra}'",
            f"pip install 'tastemap[{extra}]'",
        )


def require_k(k: int) -> int:
    """Return `k` if it can be the length of a list, else raise.

    >>> require_k(10)
    10
    """
    if k < 1:
        raise UsageError(f"k is {k}", "a whole number from 1 on", "pass k=10, say")
    return int(k)
