// The driver of the JavaScript client.

import {
  CallTimeout,
  Client,
  JobCancelled,
  RPCError,
  TransportError,
} from "./everything/index.js";

/** @typedef {import("./everything/index.js").ClientOptions} ClientOptions */
/** @typedef {import("./everything/index.js").Hard} Hard */
/** @typedef {import("./everything/index.js").Record} Record */
/** @typedef {import("./everything/index.js").Row} Row */
/** @typedef {import("./everything/index.js").Words} Words */

/**
 * Prints what comes of a step.
 *
 * @param {string} name
 * @param {() => unknown} work
 */
async function step(name, work) {
  /** @type {unknown} */
  let value;
  try {
    value = await work();
  } catch (error) {
    value = described(error);
  }
  console.log(`${name}\t${JSON.stringify(value ?? null)}`);
}

/** @param {unknown} error */
function described(error) {
  if (error instanceof RPCError) {
    const { code, kind, message, data, status, requestId } = error;
    return { error: "rpc", code, name: kind, message, data, status, request_id: requestId !== "" };
  }
  if (error instanceof CallTimeout) {
    return { error: "timeout" };
  }
  if (error instanceof TransportError) {
    return { error: "transport", status: error.status };
  }
  if (error instanceof JobCancelled || (error instanceof Error && error.name === "AbortError")) {
    return { error: "cancelled" };
  }
  throw error;
}

/** @param {ClientOptions} [options] */
function client(options = {}) {
  return new Client({ token: "secret", ...options });
}

/** @returns {Record} */
function record() {
  return {
    number: -1234567890123,
    fraction: 0.25,
    text: '"q" \\ \n ünïcode 试验 </script>',
    any: { a: [1, null, "x", { b: true }], empty: {} },
    strings: ["a"],
    matrix: [[1.5, -2], []],
    labels: { "k-1": "v" },
    groups: { 1: [{ name: "n", good: 1 }] },
    nested: { a: { b: ["s", 1, 2] } },
    pair: ["p", 2],
    pairs: [["x", { name: "y", good: 0 }]],
    region: ["s1", 10, 20],
    inner: { name: "in", good: 1 },
    inners: [],
    lengths: { s1: 5 },
    reference: { workspace: "w", object_id: 7 },
  };
}

/** @returns {Record} */
function full() {
  return {
    ...record(),
    maybe: "",
    maybe_number: 0,
    maybe_flag: 1,
    maybe_list: [],
    maybe_map: { a: 0.5 },
    maybe_inner: { name: "", good: 0 },
    maybe_region: ["s2", 0, 0],
    maybe_any: [1],
    class: "c",
  };
}

/** @param {Client} c */
async function calls(c) {
  await step("echo_record", () => c.echoRecord(record()));
  await step("echo_record_full", async () => {
    const r = await c.echoRecord(full());
    const [id, , end] = r.region;
    const maybe = r.maybe_number;
    return id === "s1" && end === 20 && maybe === 0 ? r : null;
  });
  /** @type {Words} */
  const words = {
    class: "1",
    def: "2",
    func: "3",
    function: "4",
    import: "5",
    from: "6",
    type: "7",
    interface: "8",
    package: "9",
    return: "10",
    self: "11",
    this: "12",
    new: "13",
    default: "14",
    in: "15",
    is: "16",
    lambda: "17",
    my: "18",
    sub: "19",
    next: "20",
    repeat: "21",
    hashCode: "22",
    None: "23",
  };
  await step("echo_words", () => c.echoWords(words));
  /** @type {Hard} */
  const hard = {
    foo_bar: "1",
    fooBar: "2",
    FooBar: "3",
    "foo-bar": "4",
    foo$bar: "5",
    url: "6",
    genome_id: "7",
    x1y2: "8",
  };
  await step("echo_hard", () => c.echoHard(hard));
  await step("echo_types", () => c.echoTypes({ id: "c" }, { id: "j" }, "s", [{ id: "l" }], { message: "m" }));
  await step("echo_scalars", () => c.echoScalars(1234567890123, 0.5, "it's", 1));
  await step("echo_any", () => c.echoAny({ deep: [1, 2.5, { x: null }], list: [] }));
  await step("echo_any_text", () => c.echoAny("text"));
  await step("echo_lists", () => c.echoLists(["one"], [[1, 2], []], { x: [0.5], y: [] }));
  await step("echo_lists_nil", () => c.echoLists([], [], {}));
  /** @type {Row[]} */
  const rows = [
    ["a", 1, 0.5, [["s", 1, 2], ["t", 3, 4]]],
    ["b", 2, 1.5, []],
  ];
  await step("echo_rows", () => c.echoRows(rows));
  await step("echo_tuple", () => c.echoTuple(["n", { name: "i", good: 1 }]));
  await step("echo_empty", () => c.echoEmpty({}));
  await step("echo_reference", () => c.echoReference({ workspace: "w", object_id: 9007199254740991 }));
  await step("count", () => c.count());
  await step("forget", () => c.forget("it"));
  await step("nothing", () => c.nothing());
  await step("unnamed", () => c.unnamed(1, 2, "x", { name: "i", good: 0 }, []));
  await step("middle", () => c.middle([["l", 0, 0], ["m", 5, 6], ["r", 0, 0]]));
  await step("import", () => c.import("a", "b", "c", "d", 5));
  await step("close", () => c.close("a", "b", "c", "d", "e", "f"));
  await step("whoami", () => c.whoami());
  await step("version", () => client({ version: ">=1.0 <2/x" }).count());
  await step("slow_sync", () => c.slow(0, ""));
}

/** @param {Client} c */
async function faults(c) {
  await step("fail", () => c.fail(17, "it's \"wrong\""));
  await step("whoami_nobody", () => new Client().whoami());
  await step("nowhere", () => client({ version: "nowhere" }).count());
  await step("nowhere_job", () => client({ version: "nowhere" }).submitSlowNothing(1));
  for (const version of ["full", "html", "moved", "busy", "broken"]) {
    await step(version, () => client({ version }).count());
  }
  await step("stuck", () => client({ version: "stuck", timeoutMs: 500 }).count());
  const nobody = process.env["CLOSED_URL"] ?? "";
  await step("closed", () => client({ url: nobody, retryForMs: 500 }).count());
  await step("idempotent", () => client({ version: "broken-idempotent", idempotent: ["count"] }).count());
}

/** @param {Client} c */
async function jobs(c) {
  /** @type {number[]} */
  const told = [];
  await step("run_slow", () =>
    c.runSlow(3, "", {
      onProgress: ({ progress }) => {
        if (progress !== null) {
          told.push(progress);
        }
      },
    }),
  );
  await step("run_progress", () => told.length > 0 && told.every((p, i) => i === 0 || p >= (told[i - 1] ?? 2)));
  await step("run_pair", () => c.runSlowPair(1));
  await step("run_nothing", () => c.runSlowNothing(1));
  await step("run_count", () => c.runCount());

  const job = await c.submitSlow(1, "");
  await step("job_id", () => job.id !== "");
  await step("job_wait", () => job.wait());
  await step("job_again", () => job.wait());
  await step("job_done", async () => (await job.check()).state);
  await step("job_reopened", () => c.openSlow(job.id).wait());

  const held = await c.submitSlow(1, "hold");
  await step("job_running", async () => ["queued", "running"].includes((await held.check()).state));
  await step("job_timeout", () => held.wait({ timeoutMs: 300 }));
  await held.cancel();
  await step("job_cancel", () => held.wait());
  await step("job_failed", () => c.runSlow(1, "fail"));
  await step("job_dead", () => c.runSlow(1, "die"));
  await step("job_broken", () => client({ version: "broken-job" }).runSlowPair(1));

  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  await step("run_stopped", () =>
    client({ version: "stopped" }).runSlow(1, "hold", { signal: controller.signal }),
  );
}

const everyday = client();
await calls(everyday);
await faults(everyday);
await jobs(everyday);
