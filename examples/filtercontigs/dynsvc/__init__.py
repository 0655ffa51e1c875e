"""dynsvc: write a module in Python.

    import dynsvc

    service = dynsvc.Service("Greeter")

    @service.method
    def greet(ctx: dynsvc.Context, name: str, greeting: str = "Hello") -> str:
        if not name:
            raise dynsvc.CallError("whom shall I greet?")
        ctx.log.info("greeted", user=ctx.user)
        return "%s, %s" % (greeting, name)

    if __name__ == "__main__":
        service.run()

Every call runs in a thread of its own, so functions that share data need a lock.
``dynsvc.testing`` has a client for tests.
"""

from .context import Context
from .errors import (INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, REFUSED, CallError,
                     Cancelled, InvalidParams)
from .log import Log
from .service import Service
from .version import __version__

__all__ = [
    "CallError", "Cancelled", "Context", "InvalidParams", "Log", "Service", "__version__",
    "INTERNAL_ERROR", "INVALID_PARAMS", "INVALID_REQUEST", "METHOD_NOT_FOUND", "PARSE_ERROR", "REFUSED",
]
