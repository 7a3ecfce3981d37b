// Tunnels between two ends of one page, so that each can do what the protocol does not allow.

import { Tunnel } from "./Browser/source/tunnel/tunnel.js";
import { pause } from "./memory-hub.js";

/** Two ends of a channel that is only this page. */
function channels() {
  const make = () => Object.assign(new EventTarget(), { readyState: "open", bufferedAmount: 0, onmessage: null, onclose: null });
  const [one, other] = [make(), make()];
  for (const [from, to] of [[one, other], [other, one]]) {
    from.send = (bytes) => {
      const data = bytes.slice().buffer;
      queueMicrotask(() => { if (to.readyState === "open") to.onmessage?.({ data }); });
    };
    from.close = () => {
      from.readyState = "closed";
      setTimeout(() => {
        to.readyState = "closed";
        to.onclose?.();
      }, 0);
    };
  }
  return [one, other];
}

/** Two tunnels; the second answers. */
async function tunnels(handler, decide) {
  const [one, other] = channels();
  const side = { hello: new Uint8Array(32), verify: async () => true };
  const sharer = new Tunnel(other, { ...side, role: "sharer", serving: { share: "s", handler }, decide });
  const opener = new Tunnel(one, { ...side, role: "opener" });
  await Promise.all([opener.ready, sharer.ready]);
  return { opener, sharer };
}

const get = (tunnel, target, share = 0) => tunnel.request(share, { method: "GET", target, headers: [], body: null });
/** As many bytes as the path says, and a header that is no byte string. */
const answering = async ({ target }) => ({
  status: 200, headers: [["content-type", "text/plain; name=\u20ac"], ["etag", '"a"']], body: new Uint8Array(Number(target.slice(1))),
});

/** Answers that nobody reads hold up no others, and those that are complete outlive the connection. */
globalThis.unread = async () => {
  const { opener, sharer } = await tunnels(answering);
  const unread = [];
  for (let index = 0; index < 5; index++) unread.push(await get(opener, "/250000"));
  const size = await Promise.race([get(opener, "/5000000").then(async (response) => (await response.arrayBuffer()).byteLength), pause(5000)]);
  const { headers } = unread[0];
  // What was complete at once is nothing that is kept, read or not.
  for (let index = 0; index < 20; index++) await get(opener, "/10");
  await pause(50);
  const kept = opener.exchanges.count;
  sharer.leave();
  await opener.ended;
  const late = (await unread[0].arrayBuffer()).byteLength;
  return { size, kept, late, headers: [...headers.keys()] };
};

/** What nobody can read any more ends; the garbage is collected by whoever runs this. */
globalThis.dropping = async () => {
  const { opener } = await tunnels(answering);
  globalThis.held = opener;
  // In a function of its own, so that nothing of it stays.
  await (async () => { await get(opener, "/5000000"); })();
  return opener.machine.streams.all.length;
};

/** More shares than may be asked for within a second, and one that is given up before its turn. */
globalThis.manyShares = async () => {
  const { opener } = await tunnels(answering, async () => ({ handler: answering }));
  const answers = Array.from({ length: 25 }, () => opener.openShare({ share: "s", ticket: new Uint8Array(), proof: new Uint8Array() }));
  opener.leaveShare(25);
  const numbers = (await Promise.all(answers.slice(0, 24))).map(({ number }) => number);
  return { numbers: numbers.length, last: numbers.at(-1), ended: opener.endReason, status: (await get(opener, "/1", 24)).status };
};
