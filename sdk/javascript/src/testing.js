// Tests of a module, through everything that a caller goes through.

import http from "node:http";

import { CallError } from "./errors.js";
import { Log } from "./log.js";

const GRACE = 5000; // milliseconds for calls in flight when the client closes

/** Runs a service on a free port of this machine and calls it over HTTP. */
export class Client {
  #server;

  /** Starts the service. */
  static async start(service) {
    const client = new Client();
    client.name = service.name;
    client.logs = [];
    const log = new Log("debug", (line) => client.logs.push(JSON.parse(line)));
    const env = { host: "127.0.0.1", port: 0, version: "", gitUrl: "", gitCommitHash: "" };
    client.#server = await service.serve(env, log);
    client.port = client.#server.port;
    client.url = `http://127.0.0.1:${client.port}/`;
    return client;
  }

  async call(method, params = [], { user, token, timeout, job, signal } = {}) {
    const headers = Object.fromEntries(Object.entries({
      "X-Dynsvc-User": user,
      Authorization: token,
      "X-Dynsvc-Job": job,
      "X-Dynsvc-Deadline": timeout === undefined ? undefined : String(Math.round(Date.now() + timeout)),
    }).filter(([, value]) => value !== undefined));
    const request = { version: "1.1", id: "1", method: `${this.name}.${method}`, params };
    const { error, result } = await this.post(request, headers, { signal });
    if (error) throw new CallError(error.message, { code: error.code, details: error.error });
    if (result === null) return undefined;
    return result.length === 1 ? result[0] : result;
  }

  async post(body, headers = {}, { signal } = {}) {
    const data = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return (await this.#fetch("POST", "/", data, headers, signal))[1];
  }

  status() {
    return this.call("status");
  }

  health(path = "/") {
    return this.#fetch("GET", path, "", {});
  }

  #fetch(method, path, data, headers, signal) {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { host: "127.0.0.1", port: this.port, method, path, headers, agent: false, signal },
        async (response) => {
          try {
            const parts = [];
            for await (const part of response) parts.push(part);
            resolve([response.statusCode, JSON.parse(Buffer.concat(parts).toString())]);
          } catch (error) {
            reject(error);
          }
        },
      );
      request.on("error", reject);
      request.end(data);
    });
  }

  async close() {
    await this.#server.stop(GRACE);
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.close();
  }
}
