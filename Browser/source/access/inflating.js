// The contents of what was compressed.

import { bad, tooLarge } from "./answers.js";
import { BlobWriter } from "./requests.js";

/**
 * The contents of what was compressed by gzip.
 * @param {Blob} blob
 * @param {{ left: number }} room how many bytes there may be; less by those that there are afterwards
 * @returns {Promise<Blob>}
 */
export async function inflate(blob, room) {
  const file = new BlobWriter();
  const reader = blob.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  while (true) {
    const { done, value } = await reader.read().catch(() => {
      throw bad("An attachment is not compressed as it says.");
    });
    if (done) return file.blob(blob.type);
    room.left -= value.length;
    if (room.left < 0) {
      reader.cancel().catch(() => {});
      throw tooLarge("The attachment is too large for this peer.", "attachment_too_large");
    }
    file.write(value);
  }
}
