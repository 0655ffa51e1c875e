"""What a method raises to say something to its caller, and the codes for it."""

from __future__ import annotations

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED = -32000


class CallError(Exception):
    """An error whose message is for the caller.

    A method raises it to refuse on purpose. Anything else that a method raises is
    a fault of the method: the caller reads only that it failed, and the log why.

        if not contigs:
            raise dynsvc.CallError("the assembly has no contigs", code=17)

    ``details`` is a longer text that programs show on request.
    """

    def __init__(self, message: str, code: int = REFUSED, details: str = "") -> None:
        super().__init__(message)
        if isinstance(code, bool) or not isinstance(code, int):
            raise TypeError("code must be a whole number, not %r" % (code,))
        self.message = str(message)
        self.code = code
        self.details = str(details)


class InvalidParams(CallError):
    """A parameter that does not fit, for rules that annotations cannot say.

        if min_length < 0:
            raise dynsvc.InvalidParams("min_length must be 0 or more, not %d" % min_length)
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message, INVALID_PARAMS, details)


class Cancelled(CallError):
    """The call was cancelled: raised by ``ctx.check()`` and ``ctx.sleep()``.

    Let it pass; use ``finally`` to tidy up.
    """
