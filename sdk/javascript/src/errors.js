// What a method throws to say something to its caller, and the codes for it.

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
export const REFUSED = -32000;

/** An error whose message is for the caller. Anything else that a method throws is a fault of the method. */
export class CallError extends Error {
  constructor(message, { code = REFUSED, details = "" } = {}) {
    super(message);
    if (!Number.isInteger(code)) throw new TypeError(`code must be a whole number, not ${code}`);
    this.name = new.target.name;
    this.code = code;
    this.details = String(details);
  }
}

/** A parameter that does not fit, for rules that kinds cannot say. */
export class InvalidParams extends CallError {
  constructor(message, { details = "" } = {}) {
    super(message, { code: INVALID_PARAMS, details });
  }
}

/** The call was cancelled: thrown by ctx.check() and ctx.sleep(), and the reason of ctx.signal. */
export class Cancelled extends CallError {}

/** What the caller reads of a fault. */
export const failed = () =>
  new CallError("the method failed; the service's log says why", { code: INTERNAL_ERROR });
