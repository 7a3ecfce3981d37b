// What the scripts of the peers' tests share.
"use strict";

/** A promise of the first event of its kind. */
const event = (target, type) => new Promise((resolve) => target.addEventListener(type, ({ detail }) => resolve(detail ?? null), { once: true }));

/** Waits until a share that is open has a state. */
async function state(share, wanted) {
  while (share.state !== wanted) await event(share, "state");
  return share.state;
}

/** What a promise is rejected with, or that it is not. */
const refusal = (promise) => promise.then(() => null, ({ name, refusal: word, status, message }) => ({ name, refusal: word, status, message }));

/** The answer to a request, as its status and its JSON. */
async function answer(share, path, init) {
  const response = await share.fetch(path, init);
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}
