// A client of KBase's dynamic services that does on the wire what those of KBase's
// web pages do: one look-up for many calls, a text/plain body (so that browsers do
// not ask first), and a strict reading of every answer. Written from a description
// of the protocol; no line of it is KBase's.

class ServerError extends Error {
  constructor({ name, code, message, error, data }) {
    super(message ?? "");
    Object.assign(this, { kind: name, code, data: error ?? data ?? "" });
  }
}

async function rpc(url, method, params, token) {
  const id = crypto.randomUUID();
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = token;
  const answer = await fetch(url, {
    method: "POST", redirect: "error", headers, signal: AbortSignal.timeout(60_000),
    body: JSON.stringify({ version: "1.1", method, params, id }),
  });
  const text = await answer.text();
  let reply;
  try {
    reply = JSON.parse(text);
  } catch (e) {
    throw new Error(`parse error: ${answer.status} ${text}`);
  }
  if (reply.version !== "1.1") throw new Error(`version is ${reply.version}`);
  if ("result" in reply && "error" in reply) throw new Error("both result and error");
  if (reply.id !== id) throw new Error(`id is ${reply.id}`);
  if ("error" in reply) {
    if (typeof reply.error.name !== "string" || !Number.isInteger(reply.error.code) || !("message" in reply.error)) {
      throw new Error(`error is ${text}`);
    }
    throw new ServerError(reply.error);
  }
  if (!Array.isArray(reply.result)) throw new Error(`result is ${text}`);
  return reply.result[0];
}

class DynamicServiceClient {
  static cache = new Map();
  constructor({ url, module, version = null, token }) {
    Object.assign(this, { url, module, version, token });
  }

  async location() {
    const key = `${this.module}:${this.version ?? "auto"}`;
    if (!DynamicServiceClient.cache.has(key)) {
      const found = rpc(this.url, "ServiceWizard.get_service_status",
        [{ module_name: this.module, version: this.version }], this.token).then((status) => {
        for (const name of ["module_name", "version", "git_commit_hash", "url", "status", "health"]) {
          if (typeof status[name] !== "string") throw new Error(`${name} is ${status[name]}`);
        }
        if (typeof status.up !== "number" || !Array.isArray(status.release_tags)) throw new Error("up or release_tags");
        return status.url;
      });
      found.catch(() => {}); // who awaits it hears of it
      DynamicServiceClient.cache.set(key, found);
    }
    return DynamicServiceClient.cache.get(key);
  }

  async callFunc(name, ...params) {
    return rpc(await this.location(), `${this.module}.${name}`, params, this.token);
  }
}

async function outcome(call) {
  try {
    return await call;
  } catch (e) {
    if (e instanceof ServerError) return { name: e.kind, code: e.code, message: e.message, data: e.data };
    return String(e);
  }
}

const [url, token] = process.argv.slice(2);
const client = (module, version, t = token) => new DynamicServiceClient({ url, module, version, token: t });
console.log(JSON.stringify({
  hello: await outcome(client("Hello", "dev").callFunc("hello", "Zoë")),
  add: await outcome(client("Hello").callFunc("add", 1, 2)),
  whoami: await outcome(client("Hello", "release").callFunc("whoami")),
  anonymous: await outcome(client("Hello", null, "").callFunc("whoami")),
  fail: await outcome(client("Hello").callFunc("fail", "it broke")),
  module: await outcome(client("Nobody").callFunc("hello")),
  version: await outcome(client("Hello", "7.0.0").callFunc("hello", 1)),
  function: await outcome(client("Hello").callFunc("nothing")),
}));
