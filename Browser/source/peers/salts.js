// What the ids of shares are made of.

import { randomBytes } from "../basics/encoding.js";

/** @typedef {import("../basics/encoding.js").Bytes} Bytes */

/** The local document that keeps a shared database's salt, so that sharing it again gives the same id. */
const SALT = "_local/peerpouch-share";

/** The salt of a database; a new one if it was never shared. @param {any} pouch @returns {Promise<Bytes>} */
export async function saltOf(pouch) {
  const kept = await readSalt(pouch);
  if (kept) return kept;
  const salt = randomBytes(16);
  try {
    await pouch.put({ _id: SALT, salt: [...salt] });
    return salt;
  } catch (error) {
    const other = /** @type {any} */ (error).status === 409 ? await readSalt(pouch) : null;
    if (!other) throw error;
    return other;
  }
}

/** @param {any} pouch @returns {Promise<Bytes | null>} */
export async function readSalt(pouch) {
  try {
    const { salt } = await pouch.get(SALT);
    return Array.isArray(salt) && salt.length === 16 ? Uint8Array.from(salt) : null;
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return null;
    throw error;
  }
}
