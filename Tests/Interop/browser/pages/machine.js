// The tunnel's protocol without a connection: the worked example of docs/wire-protocol.md, credit, and nonsense.

import { concat, equal } from "./Browser/source/basics/encoding.js";
import { KIND, MessageWriter, Violation } from "./Browser/source/tunnel/frames.js";
import { tunnelLimits } from "./Browser/source/basics/limits.js";
import { TunnelMachine } from "./Browser/source/tunnel/machine.js";

const proof = (first) => Uint8Array.from({ length: 32 }, (_, index) => first + index);

/** Two machines that have said hello. */
function pair() {
  const opener = new TunnelMachine("opener", proof(0), 0);
  const sharer = new TunnelMachine("sharer", proof(0xa0), 0);
  exchange(opener, sharer);
  return { opener, sharer };
}

/** Brings messages both ways until there are none; returns the events of each side. */
function exchange(one, other, now = 0) {
  const events = new Map([[one, []], [other, []]]);
  let isQuiet = false;
  while (!isQuiet) {
    isQuiet = true;
    for (const [from, to] of [[one, other], [other, one]]) {
      const message = from.nextMessage(now);
      if (!message) continue;
      isQuiet = false;
      events.get(to).push(...to.receive(message.bytes, now));
    }
  }
  return events;
}

const request = (share = 0, target = "/share-1/n%201?revs=true") =>
  ({ share, method: "GET", target, headers: [["accept", "application/json"]], length: 0 });

/** The example, by what each side says in turn. @param {{ side: string, bytes: number[] }[]} blocks */
globalThis.workedExample = (blocks) => {
  const opener = new TunnelMachine("opener", proof(0), 0);
  const sharer = new TunnelMachine("sharer", proof(0xa0), 0);
  const wrong = [];
  const say = (block) => {
    const [from, to] = block.side === "opener" ? [opener, sharer] : [sharer, opener];
    const bytes = Uint8Array.from(block.bytes);
    const said = concat(...collect(from));
    if (!equal(said, bytes)) wrong.push({ side: block.side, said: [...said], expected: block.bytes });
    return to.receive(bytes, 0);
  };
  const steps = blocks.map((block) => block);
  say(steps[0]);
  say(steps[1]);
  const first = opener.request(request(), 0);
  opener.finish(first);
  say(steps[2]);
  sharer.respond(first, { status: 200, length: 27, headers: [["content-type", "application/json"], ["etag", '"1-a"']] });
  sharer.write(first, new TextEncoder().encode('{"_id":"n 1","_rev":"1-a"}\n'), 0);
  sharer.finish(first);
  say(steps[3]);
  opener.read(first, 0);
  opener.read(first, 0);
  const share = opener.openShare({ share: "share-2", ticket: Uint8Array.from({ length: 16 }, (_, index) => 0x10 + index), proof: proof(0) });
  say(steps[4]);
  sharer.answerOpening(share, null);
  say(steps[5]);
  const feed = opener.request({ share, method: "GET", target: "/share-2/_changes?feed=continuous", headers: [], length: 0 }, 0);
  opener.finish(feed);
  say(steps[6]);
  sharer.respond(feed, { status: 200, length: null, headers: [["content-type", "application/json"]] });
  sharer.write(feed, Uint8Array.of(0x0a), 0);
  say(steps[7]);
  opener.cancel(feed, 0, "", 0);
  say(steps[8]);
  sharer.leave(5, "closed");
  say(steps[9]);
  return { wrong, ended: opener.phase };
};

function collect(machine) {
  const messages = [];
  for (let message = machine.nextMessage(0); message; message = machine.nextMessage(0)) messages.push(message.bytes);
  return messages;
}

/** What a machine makes of a message. */
function violation(machine, bytes) {
  try {
    machine.receive(bytes, 0);
    return null;
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return error.rule;
  }
}

function message(...frames) {
  const writer = new MessageWriter(1 << 20);
  for (const [kind, flags, id, payload] of frames) writer.append(kind, flags, id, payload);
  return writer.bytes();
}

/** Bytes beyond the credit that was given are a violation, and bytes within are none. */
globalThis.credit = () => {
  const { opener, sharer } = pair();
  const number = opener.request({ ...request(), method: "PUT", length: 1 << 30 }, 0);
  exchange(opener, sharer);
  const part = () => message([KIND.data, 0, number, new Uint8Array(16000)]);
  let sent = 0;
  let rule = null;
  while (!rule && sent < 1 << 22) {
    rule = violation(sharer, part());
    sent += 16000;
  }
  return { rule, isAtTheBound: sent > tunnelLimits.streamCredit && sent <= tunnelLimits.streamCredit + 16000 };
};

/** A sender never goes beyond the credit, and goes on when there is more; what is held is bounded by it. */
globalThis.backPressure = () => {
  const { opener, sharer } = pair();
  const number = opener.request({ ...request(), method: "PUT", length: 2_000_000 }, 0);
  opener.write(number, new Uint8Array(2_000_000), 0);
  opener.finish(number);
  exchange(opener, sharer);
  const held = sharer.streams.get(number).inbox.length;
  let read = 0;
  for (let bytes = sharer.read(number, 0); bytes !== "end"; bytes = sharer.read(number, 0)) {
    if (bytes === "nothing") exchange(opener, sharer);
    else read += bytes.length;
  }
  return { held, read };
};

/** Messages that are cut and changed by chance never do anything but end the session by a violation. */
globalThis.nonsense = (rounds) => {
  let state = 1;
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
  let violations = 0;
  for (let round = 0; round < rounds; round++) {
    const { opener, sharer } = pair();
    const number = opener.request({ ...request(), method: "PUT", length: null }, 0);
    opener.write(number, new Uint8Array(random(2000)), 0);
    if (random(2)) opener.finish(number);
    const said = opener.nextMessage(0).bytes.slice();
    for (let change = 0; change < 1 + random(4); change++) said[random(said.length)] = random(256);
    const bytes = random(3) ? said : said.slice(0, random(said.length + 1));
    if (violation(sharer, bytes)) violations += 1;
    collect(sharer);
    sharer.tick(500_000);
    sharer.end("over");
  }
  return violations;
};

/** What waits for too long ends. */
globalThis.silence = () => {
  const early = new TunnelMachine("opener", proof(0), 0);
  early.nextMessage(0);
  const { opener, sharer } = pair();
  const number = opener.request(request(), 0);
  opener.finish(number);
  exchange(opener, sharer);
  // Pings are answered, the request is not.
  const late = [];
  for (let now = 1000; now <= 130_000; now += 1000) {
    late.push(...opener.tick(now));
    sharer.tick(now);
    exchange(opener, sharer, now);
  }
  const gone = pair().opener;
  return {
    hello: early.tick(10_001)[0]?.type, request: late.map(({ type, code }) => [type, code]), phase: opener.phase,
    silence: gone.tick(120_001)[0]?.type,
  };
};

