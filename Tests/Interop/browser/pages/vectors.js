// Runs the test vectors of Tests/Fixtures/trust with the page's own implementation.

import { agree, authenticate, derive, fingerprint, hash, identityOf, isSigned, seal, unseal } from "./Browser/source/basics/crypto.js";
import {
  base32, base64url, concat, equal, fromBase32, fromBase64url, join, parseObject, split, text, utf8,
} from "./Browser/source/basics/encoding.js";
import { readDescription } from "./Browser/source/trust/descriptions.js";
import { gateDecision, OfferReception } from "./Browser/source/trust/reception.js";
import { readAddress, readShare, RecordMemory, Rejection, shareAddress, shareID, shareUUID, signShare } from "./Browser/source/trust/shares.js";
import { offerBody, OutgoingOffer, readOfferHeader, readSignal, ReceivedOffer, Session, signalKind } from "./Browser/source/trust/signals.js";
import { readTicket, TicketBook, ticketKeys, ticketText } from "./Browser/source/trust/tickets.js";

let failures = [];
let checks = 0;

/** Notes whether something is as it must be. */
function check(what, isRight) {
  checks += 1;
  if (!isRight) failures.push(what);
}

const same = (what, bytes, expected) => check(what, bytes !== null && base64url(bytes) === expected);
const bytesOf = (value) => fromBase64url(value);
const hex = (value) => Uint8Array.from(value.match(/../g) ?? [], (digits) => parseInt(digits, 16));

/** A key pair of the vectors, to sign or to agree with. */
async function importKey({ scalar, public: point }, name, usages) {
  const bytes = bytesOf(point);
  const jwk = { kty: "EC", crv: "P-256", d: scalar, x: base64url(bytes.slice(1, 33)), y: base64url(bytes.slice(33)), ext: true };
  return crypto.subtle.importKey("jwk", jwk, { name, namedCurve: "P-256" }, false, usages);
}

const ephemeral = async (vector) => ({ key: await importKey(vector, "ECDH", ["deriveBits"]), bytes: bytesOf(vector.public) });

async function identity(vector) {
  const bytes = bytesOf(vector.public);
  return { key: await importKey(vector, "ECDSA", ["sign"]), bytes, fingerprint: await fingerprint(bytes) };
}

/** The check that something fails at, or what it comes to. */
async function verdict(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Rejection) return error.check;
    throw error;
  }
}

async function encodings(vectors) {
  for (const { bytes, text: expected } of vectors.base64url) {
    check(`base64url ${expected}`, base64url(hex(bytes)) === expected && equal(fromBase64url(expected), hex(bytes)));
  }
  for (const refused of vectors.base64urlRefused) check(`base64url ${refused}`, fromBase64url(refused) === null);
  for (const { bytes, text: expected } of vectors.base32) {
    check(`base32 ${expected}`, base32(hex(bytes)) === expected && equal(fromBase32(expected), hex(bytes)));
  }
  for (const refused of vectors.base32Refused) check(`base32 ${refused}`, fromBase32(refused) === null);
  for (const { parts, bytes } of vectors.L) {
    const values = parts.map((part) => part.text ?? part.integer ?? bytesOf(part.bytes));
    const joined = join(...values);
    same("L", joined, bytes);
    check("L apart", split(joined, parts.length)?.length === parts.length);
    check("L with another count", split(joined, parts.length + 1) === null);
    check("L with a byte more", split(concat(joined, new Uint8Array(1)), parts.length) === null);
    for (let length = 0; length < joined.length; length++) check(`L cut at ${length}`, split(joined.slice(0, length), parts.length) === null);
  }
  const { key, message, H, HMAC, HKDF, number, aad, AEAD } = vectors.primitives;
  same("H", await hash(bytesOf(message)), H);
  same("HMAC", await authenticate(bytesOf(key), bytesOf(message)), HMAC);
  same("HKDF", await derive(bytesOf(key), utf8("salt"), "info", 48), HKDF);
  same("AEAD", await seal(bytesOf(key), number, bytesOf(aad), bytesOf(message)), AEAD);
  same("AEAD opened", await unseal(bytesOf(key), number, bytesOf(aad), bytesOf(AEAD)), message);
  check("another number", (await unseal(bytesOf(key), number + 1, bytesOf(aad), bytesOf(AEAD))) === null);
}

async function shares(vectors) {
  const sharer = await identity(vectors.sharer);
  check("fingerprint", sharer.fingerprint === vectors.fingerprint);
  check("id", (await shareID(sharer.bytes, bytesOf(vectors.salt))) === vectors.id);
  const { record, bytes } = await readShare(vectors.document);
  check("record", text(bytes) === vectors.r && record.n === 7 && record.name === "notes" && record.access === "read-write");
  const again = await signShare({ ...record }, sharer);
  check("record written again", text(fromBase64url(again.peerpouch.r)) === vectors.r);
  check("and read again", (await readShare(again)).record.id === vectors.id);
  for (const document of vectors.alsoValid) check("also valid", (await readShare(document)).record.id === vectors.id);
  for (const { documents, n } of vectors.leaves) {
    for (const order of [documents, documents.toReversed()]) {
      check(`of leaves ${n} holds`, (await new RecordMemory().choose(order, vectors.id)).n === n);
    }
  }
  for (const negative of vectors.negative) {
    const memory = new RecordMemory();
    for (const document of negative.before ?? []) await memory.choose([document], vectors.id);
    const got = await verdict(() => memory.choose([negative.document], vectors.id).then(() => "accepted"));
    check(`share, ${negative.name}: ${got}`, got === negative.verdict);
  }
  const address = shareAddress("https://hub.example/hub", vectors.id);
  check("address", readAddress(address)?.hub === "https://hub.example/hub");
  check("address with a password", readAddress(shareAddress("https://a:b@hub.example/hub", vectors.id)) === null);
}

async function tickets(vectors) {
  for (const vector of vectors.tickets) {
    const ticket = await readTicket(vector.text);
    check("ticket", ticket.share === vector.id && ticket.hub === vector.hub);
    same("uuid", shareUUID(ticket.share), vector.uuid);
    same("secret", ticket.secret, vector.secret);
    check("ticket written", (await ticketText(ticket)) === vector.text);
    const keys = await ticketKeys(ticket);
    same("tid", keys.id, vector.tid);
    same("kT", keys.key, vector.kT);
  }
  for (const other of vectors.alsoRead) check("also read", (await ticketText(await readTicket(other))) === vectors.tickets[0].text);
  for (const negative of vectors.negative) {
    const got = await readTicket(negative.text).then(() => "read", ({ problem }) => problem);
    check(`ticket, ${negative.name}: ${got}`, got === negative.verdict);
  }
}

/** Who receives the offers of the vectors. */
async function receiver(vectors) {
  const sharer = await identity(vectors.sharer);
  const reception = new OfferReception(vectors.id, sharer.bytes, await ephemeral(vectors.epoch), 0);
  const book = new TicketBook();
  await book.add({ share: vectors.id, hub: vectors.hub, secret: bytesOf(vectors.ticketSecret) }, Infinity, 0);
  return { sharer, reception, book };
}

async function offers(vectors) {
  const opener = await identity(vectors.opener);
  const { sharer } = await receiver(vectors);
  const epoch = await ephemeral(vectors.epoch);
  const ticket = { share: vectors.id, hub: vectors.hub, secret: bytesOf(vectors.ticketSecret) };
  const keys = await ticketKeys(ticket);
  for (const vector of vectors.offers) {
    const E = await ephemeral(vector.E);
    same("Z", await agree(E, epoch.bytes), vector.Z);
    same("Z by the sharer", await agree(epoch, E.bytes), vector.Z);
    const json = parseObject(utf8(vector.body));
    const made = await OutgoingOffer.make({
      record: { id: vectors.id, key: sharer.bytes, epoch: epoch.bytes }, identity: opener, description: readDescription(json),
      info: json.info, ticket: json.tid ? keys : null, key: E, sid: bytesOf(vector.sid),
    });
    same("h", bytesOf(made.document.peerpouch.h), vector.h);
    same("tO", made.transcript, vector.tO);
    check("body", text(offerBody(opener, readDescription(json), json.info, json.tid ? keys : null)) === vector.body);
    check("sender and recipient", made.document.sender === vector.document.sender && made.document.recipient === vector.document.recipient);
    const { reception } = await receiver(vectors);
    const offer = await reception.receive(vector.document, 0);
    check("remote", equal(offer.remote, opener.bytes) && offer.info.who === "Ötzi" && offer.description.candidates.length === 3);
    same("tO as received", offer.transcript, vector.tO);
    check("code", vector.mac === (offer.ticket ? base64url(offer.ticket.code) : ""));
    check("kind", signalKind(readSignal(vector.document)) === "offer");
    const own = await (await receiver(vectors)).reception.receive(made.document, 0);
    same("an own offer is read", own.transcript, vector.tO);
  }
  const judge = async (document, before = []) => {
    const { reception, book } = await receiver(vectors);
    for (const earlier of before) await reception.receive(earlier, 0);
    return verdict(async () => {
      const offer = await reception.receive(document, 0);
      const remote = await fingerprint(offer.remote);
      const decision = gateDecision({ allow: null, ticket: true, ask: false }, remote, await book.verdict(offer.ticket, remote, 0));
      return typeof decision === "string" ? "admitted" : "gate";
    });
  };
  check("an offer with the ticket is let in", (await judge(vectors.offers[0].document)) === "admitted");
  for (const negative of vectors.negative) {
    const got = await judge(negative.document, negative.before);
    check(`offer, ${negative.name}: ${got}`, got === negative.verdict);
  }
}

/** The offer of the vectors as its opener remembers it. */
async function rememberedOffer(vectors, answers) {
  const [vector] = vectors.offers;
  const json = parseObject(utf8(vector.body));
  const sharer = await identity(vectors.sharer);
  const ticket = { share: vectors.id, hub: vectors.hub, secret: bytesOf(vectors.ticketSecret) };
  const offer = await OutgoingOffer.make({
    record: { id: vectors.id, key: sharer.bytes, epoch: bytesOf(vectors.epoch.public) }, identity: await identity(vectors.opener),
    description: readDescription(json), info: json.info, ticket: await ticketKeys(ticket), key: await ephemeral(vector.E),
    sid: bytesOf(vector.sid),
  });
  // The same but for the signature, which is another each time.
  offer.document = answers.offer;
  return offer;
}

async function answers(vectors, offerVectors) {
  const { reception, sharer } = await receiver(offerVectors);
  const received = await reception.receive(vectors.offer, 0);
  const offer = await rememberedOffer(offerVectors, vectors);
  for (const name of ["accepted", "refused"]) {
    const vector = vectors[name];
    const F = await ephemeral(vector.F ?? vectors.F);
    same("ECDH(F, E)", await agree(F, received.key), vector.ZF);
  }
  const { accepted, refused } = vectors;
  const read = await offer.open(readSignal(accepted.document));
  same("T", read.session.transcript, accepted.T);
  for (const [name, key] of [["kA", "answer"], ["kSO", "sharer"], ["kOS", "opener"], ["kB", "binding"]]) {
    same(name, read.session.keys[key], accepted[name]);
  }
  check("description", read.description.ufrag === "sHaR" && read.description.candidates.length === 2);
  check("refused", (await offer.open(readSignal(refused.document))).refusal === "forbidden");
  const made = await received.accept(sharer, read.description, await ephemeral(vectors.F));
  same("h of the answer", bytesOf(made.document.peerpouch.h), accepted.h);
  same("T by the sharer", made.session.transcript, accepted.T);
  same("an own answer is read", (await offer.open(readSignal(made.document))).session.transcript, accepted.T);
  check("an own refusal is read", (await offer.open(readSignal(await received.refuse(sharer, "busy")))).refusal === "busy");
  for (const negative of vectors.negative) {
    const got = await verdict(() => offer.open(readSignal(negative.document)).then(() => "accepted"));
    check(`answer, ${negative.name}: ${got}`, got === negative.verdict);
  }
}

async function sessions(vectors, answerVectors, offerVectors) {
  const both = async () => {
    const { reception, sharer } = await receiver(offerVectors);
    const received = await reception.receive(answerVectors.offer, 0);
    const offer = await rememberedOffer(offerVectors, answerVectors);
    const { session: opener, description } = await offer.open(readSignal(answerVectors.accepted.document));
    const { session } = await received.accept(sharer, description, await ephemeral(answerVectors.F));
    return { opener, sharer: session };
  };
  const { opener, sharer } = await both();
  same("T of sessions", sharer.transcript, vectors.T);
  for (const row of vectors.more.sharer) check("candidates from the sharer", (await opener.open(readSignal(row.document))).length === 1);
  for (const row of vectors.more.opener) check("candidates from the opener", (await sharer.open(readSignal(row.document))).length === 1);
  const [first] = vectors.more.sharer;
  const sealed = await sharer.seal(JSON.parse(first.body).cands);
  check("sealed", sealed.peerpouch.h === first.h && sealed.peerpouch.c === first.c);
  same("hello of the sharer", await sharer.hello(), vectors.hello.sharer);
  same("hello of the opener", await opener.hello(), vectors.hello.opener);
  check("hellos", (await sharer.isHello(await opener.hello())) && (await opener.isHello(await sharer.hello())));
  check("own hellos", !(await sharer.isHello(await sharer.hello())) && !(await opener.isHello(await opener.hello())));
  for (let bit = 0; bit < 256; bit++) {
    const flipped = await opener.hello();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    check(`hello with bit ${bit} flipped`, !(await sharer.isHello(flipped)));
  }
  check("short hello", !(await sharer.isHello((await opener.hello()).slice(0, 31))) && !(await sharer.isHello(new Uint8Array())));
  for (const vector of vectors.opens) {
    const keys = await ticketKeys({ share: vector.id, hub: "https://hub.example/hub", secret: bytesOf(vector.ticketSecret) });
    const [requester, owner] = vector.requester === "sharer" ? [sharer, opener] : [opener, sharer];
    const proof = await requester.proof(keys, vector.id);
    same("tid of an opening", proof.id, vector.tid);
    same("code of an opening", proof.code, vector.mac);
    const book = new TicketBook();
    await book.add({ share: vector.id, hub: "https://hub.example/hub", secret: bytesOf(vector.ticketSecret) }, Infinity, 0);
    const shown = (who, share) => who.shownProof(proof.id, proof.code, share);
    check("proven", (await book.verdict(shown(owner, vector.id), "x", 0)) === "good");
    check("sent back", (await book.verdict(shown(requester, vector.id), "x", 0)) === "wrong");
    check("for another share", (await book.verdict(shown(owner, sharer.share), "x", 0)) === "wrong");
  }
  for (const negative of vectors.negative) {
    const { opener: fresh } = await both();
    for (const document of negative.before ?? []) await fresh.open(readSignal(document));
    const got = await verdict(() => fresh.open(readSignal(negative.document)).then(() => "accepted"));
    check(`more, ${negative.name}: ${got}`, got === negative.verdict);
  }
}

/** Runs all vectors; returns how many checks there were, and which of them failed. */
globalThis.runVectors = async (load) => {
  failures = [];
  checks = 0;
  const names = ["encodings", "shares", "tickets", "offers", "answers", "sessions"];
  const vectors = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await load(name)])));
  await encodings(vectors.encodings);
  await shares(vectors.shares);
  await tickets(vectors.tickets);
  await offers(vectors.offers);
  await answers(vectors.answers, vectors.offers);
  await sessions(vectors.sessions, vectors.answers, vectors.offers);
  return { checks, failures };
};
