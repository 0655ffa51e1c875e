// The service that an author writes: functions become methods, and run() serves them.

import { Dispatcher } from "./dispatch.js";
import { Misconfigured, readEnvironment } from "./environment.js";
import { CallError } from "./errors.js";
import { Log } from "./log.js";
import { Method } from "./method.js";
import { Server } from "./server.js";

const NAME = /^[A-Za-z0-9_]{1,63}$/;

/** A module as a program. */
export class Service {
  #options;
  #methods = new Map();
  #status;
  #health;

  constructor(name, options = {}) {
    if (!NAME.test(name)) {
      throw new TypeError(`the name of a module has 1 to 63 of A-Z, a-z, 0-9 and _, not ${JSON.stringify(name)}`);
    }
    const known = { version: "", gitUrl: "", gitCommitHash: "", healthPath: "/", maxCalls: 1000, maxBody: 256 << 20 };
    for (const option of Object.keys(options)) {
      if (!Object.hasOwn(known, option)) {
        throw new TypeError(`${option} is no option of a Service: there are ${Object.keys(known).join(", ")}`);
      }
    }
    this.name = name;
    this.#options = { ...known, ...options };
    const { healthPath, maxCalls, maxBody } = this.#options;
    if (!healthPath.startsWith("/")) throw new TypeError(`healthPath must begin with "/", not ${JSON.stringify(healthPath)}`);
    if (!(maxCalls >= 1 && maxBody >= 1)) throw new TypeError("maxCalls and maxBody must be 1 or more");
  }

  method(name, ...rest) {
    if (!NAME.test(name)) {
      throw new TypeError(`the name of a method has 1 to 63 of A-Z, a-z, 0-9 and _, not ${JSON.stringify(name)}`);
    }
    const full = `${this.name}.${name}`;
    if (name === "status") throw new TypeError(`${full} is always there; use service.status to add to it`);
    if (this.#methods.has(full)) throw new TypeError(`${full} is defined twice`);
    const [parameters, fn] = rest.length > 1 ? rest : [undefined, rest[0]];
    this.#methods.set(full, new Method(full, parameters, fn));
    return this;
  }

  status(fn) {
    if (this.#status) throw new TypeError("service.status was called twice; return one object with everything");
    this.#status = fn;
    return this;
  }

  health(fn) {
    if (this.#health) throw new TypeError("service.health was called twice; let one function ask all");
    this.#health = fn;
    return this;
  }

  callError(message, options) {
    return new CallError(message, options);
  }

  async run() {
    let env;
    let log;
    let server;
    const signals = waitForSignals();
    try {
      env = readEnvironment();
      if (env.module && env.module !== this.name) {
        throw new Misconfigured(
          `the module is registered as ${env.module}, but the program says new Service("${this.name}"): make them equal`,
        );
      }
      const { service, alloc } = env;
      log = new Log(env.logLevel, undefined, { ...(service && { service }), ...(alloc && { alloc }) });
      server = await this.serve(env, log);
    } catch (error) {
      process.stderr.write(`${this.name}: ${error.message}\n`);
      process.exit(1);
    }
    log.info("listening", { addr: `${server.host}:${server.port}`, module: this.name });
    log.info("stopping", { signal: await signals() });
    signals().then(() => process.exit(1));
    const cut = await server.stop(env.stopGrace);
    if (cut) log.warn("calls cut", { calls: cut, grace: `${env.stopGrace / 1000}s` });
    log.info("stopped");
    process.exit(cut ? 1 : 0);
  }

  /** The runtime's own: listens as env says and returns the server. */
  async serve(env, log) {
    const { version, gitUrl, gitCommitHash, healthPath, maxCalls, maxBody } = this.#options;
    const dispatcher = new Dispatcher({
      name: this.name,
      methods: this.#methods,
      identity: {
        version: version || env.version,
        git_url: gitUrl || env.gitUrl,
        git_commit_hash: gitCommitHash || env.gitCommitHash,
      },
      status: this.#status,
      health: this.#health,
      healthPath,
      maxCalls,
    }, log);
    const server = new Server(dispatcher, maxBody);
    await server.listen(env.host, env.port);
    return server;
  }
}

// waitForSignals returns a function that resolves with the next signal to stop.
function waitForSignals() {
  const came = [];
  const waiting = [];
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      if (waiting.length) waiting.shift()(signal);
      else came.push(signal);
    });
  }
  return () => new Promise((resolve) => {
    if (came.length) resolve(came.shift());
    else waiting.push(resolve);
  });
}
