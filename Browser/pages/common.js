// What the pages share: building elements of text only, the server's session, and saving what peers give.

import { PeerPouch } from "./peerpouch.mjs";
import { SHA256 } from "./sha256.js";

export { PeerPouch };

/** The element of an id. @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/**
 * An element. Whatever peers say becomes text in it, and never markup.
 * @param {string} tag
 * @param {Record<string, any>} properties
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "label") made.dataset.label = value;
    else if (name.startsWith("aria-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** What a peer says, without what could make it look like something else: control characters, and those that turn the direction. */
export const plain = (/** @type {unknown} */ value) => String(value).replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, " ");

/** A number of bytes for people. @param {number} count */
export function size(count) {
  const units = ["bytes", "KiB", "MiB", "GiB"];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Tells what happens, to screen readers too. @param {unknown} message @param {boolean} isBad */
export function tell(message, isBad = false) {
  const place = $("status");
  place.textContent = plain(message instanceof Error ? message.message : message);
  place.className = isBad ? "bad" : "quiet";
}

/** Does something, and tells what prevented it. @param {() => Promise<unknown>} work */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    tell(error, true);
    return undefined;
  }
}

// MARK: The server

/** Asks the server that the page is from. @param {string} path @param {RequestInit} [init] */
export async function ask(path, init = {}) {
  const response = await fetch(path, { cache: "no-store", ...init, headers: { accept: "application/json", "content-type": "application/json", ...init.headers } });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.reason ?? answer.error), { status: response.status });
  return answer;
}

/** What stands behind the `#`, once: it does not stay in the address. */
export function takeFragment() {
  const fragment = location.hash.slice(1);
  if (fragment) history.replaceState(null, "", location.pathname + location.search);
  return fragment;
}

/** Begins a session by the token that `peerpouch serve` has put into the address. @param {string} token */
export const redeem = (token) => ask("/_peerpouch/session", { method: "POST", body: JSON.stringify({ token }) });

/** How often the session is prolonged, in milliseconds: a request that waits for changes does not do it. */
const PROLONGING = 4 * 60 * 1000;
setInterval(() => ask("/_session").catch(() => {}), PROLONGING);

/** The name of the hub's database at this server. */
export const hubName = () => new URLSearchParams(location.search).get("hub") ?? "hub";
/** Its URL, as shares' addresses have it. */
export const hubURL = () => `${location.origin}/${encodeURIComponent(hubName())}`;

/**
 * Asks for a name and a password when the server wants them.
 * @param {() => Promise<void>} again what to do when they are right
 */
export function offerLogIn(again) {
  const form = $("login");
  form.hidden = false;
  form.onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    attempt(async () => {
      await ask("/_session", { method: "POST", body: JSON.stringify({ name: form.elements.name.value, password: form.elements.password.value }) });
      form.hidden = true;
      form.reset();
      await again();
    });
  };
}

/**
 * Does what needs the hub; who is not let in by the server is asked for a name and a password, and it is done then.
 * @param {() => Promise<void>} work
 */
export async function withLogIn(work) {
  try {
    await work();
  } catch (error) {
    if ([401, 403].includes(/** @type {any} */ (error).status) && /** @type {any} */ (error).refusal === undefined) offerLogIn(work);
    throw error;
  }
}

/** Whether a URL leads to this server: as the page does, or by another name of the same machine. @param {URL} url */
function isHere(url) {
  const isLocal = (/** @type {string} */ host) => ["localhost", "127.0.0.1", "[::1]"].includes(host);
  return url.origin === location.origin
    || (url.protocol === location.protocol && url.port === location.port && isLocal(url.hostname) && isLocal(location.hostname));
}

/** The hub that an address names. The page's connections go to its own server, and nowhere else. @param {string} name */
function openHub(name) {
  if (!/^https?:/.test(name)) throw new Error("The hub of this share is no server.");
  const url = new URL(name);
  if (!isHere(url)) throw new Error(`The hub of this share is another server. Open ${new URL("/_peerpouch/", url)} there.`);
  return PeerPouch.httpHub(name, (path, init) => fetch(`${url.pathname.replace(/\/$/, "")}/${path}`, init));
}

PeerPouch.configure({ openHub });

// MARK: Files

/** Types that are shown as they are; all others are saved only. */
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];
export const isImage = (/** @type {string} */ type) => IMAGES.includes(String(type).split(";")[0].trim().toLowerCase());

/** Up to this, an attachment is held in memory, in bytes. */
const SMALL = 4 << 20;
/** The folder of the origin's private file system for what is received; each page has one of its own in it. */
const RECEIVED = "received";
const OWN = crypto.randomUUID();
// Held for as long as the page is there, so that others leave its folder alone.
navigator.locks?.request(`${RECEIVED} ${OWN}`, () => new Promise(() => {}));

/**
 * The bytes of a response as a file, with progress. Large ones go into the origin's private file system, so that memory does not
 * grow with them.
 * @param {Response} response
 * @param {string} type
 * @param {(count: number) => void} progress
 * @returns {Promise<{ blob: Blob, digest: string }>} with its SHA-256
 */
export async function receive(response, type, progress) {
  const hash = new SHA256();
  /** What is in memory. @type {Uint8Array<ArrayBuffer>[]} */
  let parts = [];
  let count = 0;
  /** @type {{ handle: FileSystemFileHandle, writable: FileSystemWritableFileStream } | null} */
  let file = null;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    const piece = /** @type {Uint8Array<ArrayBuffer>} */ (step.value);
    count += piece.length;
    hash.update(piece);
    progress(count);
    parts.push(piece);
    // What the response says of its length is what a peer says.
    if (count <= SMALL && !file) continue;
    file ??= await newFile();
    if (file) {
      await file.writable.write(new Blob(parts));
      parts = [];
    }
  }
  await file?.writable.close();
  return { blob: file ? new Blob([await file.handle.getFile()], { type }) : new Blob(parts, { type }), digest: hash.finish() };
}

/** A file of this page's in the private file system; `null` if there is none such. */
async function newFile() {
  if (!navigator.storage?.getDirectory) return null;
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(RECEIVED, { create: true });
  const own = await folder.getDirectoryHandle(OWN, { create: true });
  const handle = await own.getFileHandle(crypto.randomUUID(), { create: true });
  return { handle, writable: await handle.createWritable() };
}

/** Removes what pages that are gone have received into the private file system. */
export async function clearReceived() {
  try {
    const { held = [] } = await navigator.locks.query();
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(RECEIVED);
    // @ts-ignore: folders can be iterated.
    for await (const name of folder.keys()) {
      if (held.every((lock) => lock.name !== `${RECEIVED} ${name}`)) await folder.removeEntry(name, { recursive: true });
    }
  } catch {
    // There is none, or it is in use.
  }
}

/** Saves a file as a download. Nothing of it is run: it is never opened in the page. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  element("a", { href: url, download: plain(name).replaceAll(/[/\\]/g, "_") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A path of a document or an attachment. @param {...string} parts */
export const pathOf = (...parts) => parts.map((part) => `/${part.split("/").map(encodeURIComponent).join(part.startsWith("_design/") ? "/" : "%2F")}`).join("");
