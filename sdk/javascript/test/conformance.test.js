// The table that every runtime passes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Client } from "@dynsvc/sdk/testing";

import { service } from "../../conformance/echo.mjs";
import { faults } from "./conformance.js";

test("conformance", async (t) => {
  const client = await Client.start(service);
  t.after(() => client.close());
  const cases = JSON.parse(await readFile(new URL("../../conformance/cases.json", import.meta.url), "utf8"));
  assert.ok(cases.length > 200);
  for (const one of cases) {
    await t.test(one.name, async () => assert.deepEqual(await faults(client.port, one), []));
  }
});
