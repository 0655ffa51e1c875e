// What the platform tells the program: the only reader of the environment.

export const LEVELS = ["debug", "info", "warn", "error"];
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A variable of the environment that cannot be used, and what to do about it. */
export class Misconfigured extends Error {}

/** Reads the variables of the runtime contract; throws Misconfigured. */
export function readEnvironment(env = process.env) {
  return {
    host: env.HOST || "0.0.0.0",
    port: port(env.PORT || "5000"),
    module: env.DYNSVC_MODULE ?? "",
    version: env.DYNSVC_VERSION ?? "",
    gitUrl: env.DYNSVC_GIT_URL ?? "",
    gitCommitHash: env.DYNSVC_GIT_COMMIT ?? "",
    service: env.DYNSVC_SERVICE ?? "",
    alloc: env.DYNSVC_ALLOC ?? "",
    stopGrace: milliseconds(env.DYNSVC_STOP_GRACE || "30s"),
    logLevel: level(env.LOG_LEVEL || "info"),
  };
}

function port(text) {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new Misconfigured(`PORT must be a number from 0 to 65535, not "${text}"`);
  }
  return Number(text);
}

function milliseconds(text) {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new Misconfigured(`DYNSVC_STOP_GRACE must be a duration such as 30s or 1m30s, not "${text}"`);
  }
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(number) * UNITS[unit];
  return sum;
}

function level(text) {
  const lower = text.toLowerCase();
  const known = { warning: "warn", trace: "debug" }[lower] ?? lower;
  if (!LEVELS.includes(known)) throw new Misconfigured(`LOG_LEVEL must be one of ${LEVELS.join(", ")}, not "${text}"`);
  return known;
}
