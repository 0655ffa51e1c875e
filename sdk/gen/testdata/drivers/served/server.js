// The module Everything as an author writes it.

import { CallError, Service } from "@dynsvc/sdk";
import { register } from "./interface.js";

/** @implements {Functions} */
class Author {
  /** @type {import("./interface.js").Functions["echoRecord"]} */
  echoRecord = (_, record) => record;
  echoWords = (_, words) => words;
  echoHard = (_, hard) => hard;
  echoTypes = (_, ...all) => all;
  echoScalars = (_, ...all) => all;
  echoAny = (_, value) => value;
  echoLists = (_, ...all) => all;
  echoRows = (_, rows) => rows;
  echoTuple = (_, pair) => pair;
  echoEmpty = (_, empty) => empty;
  echoReference = (_, reference) => reference;
  count() {
    return 42;
  }
  forget() {
    return 1; // is not a result
  }
  nothing() {}
  async unnamed(_, a, b, text) {
    return [a + b, text];
  }
  middle(_, regions) {
    return regions[Math.floor(regions.length / 2)];
  }
  import(_, ...all) {
    return all.join("");
  }
  close(_, ...all) {
    return all.join("");
  }
  async fail(_, code, message) {
    throw new CallError(message, { code });
  }
  whoami(ctx) {
    return ctx.token ?? "";
  }
  slow() {
    throw new CallError("not here");
  }
  slowPair(_, steps) {
    return ["done", steps];
  }
  slowNothing() {}
}

const service = new Service("Everything");
register(service, new Author());
await service.run();
