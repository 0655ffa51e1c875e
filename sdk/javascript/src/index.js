// Write a dynsvc module in JavaScript. The declarations in index.d.ts teach how.

export { Service } from "./service.js";
export { results } from "./method.js";
export {
  CallError,
  Cancelled,
  InvalidParams,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  PARSE_ERROR,
  REFUSED,
} from "./errors.js";
