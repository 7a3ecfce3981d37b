// Ways to the other peer that are found after an opening has begun.

/**
 * Candidates that are found late go both ways until there is a channel; the same on both sides of an opening.
 * @param {import("./link.js").Link} link
 * @param {import("../trust/signals.js").Session} session
 * @param {import("./signal-post.js").SignalPost} post
 * @param {AbortSignal} signal
 * @returns {{ channel: Promise<RTCDataChannel>, take: (signal: import("../trust/signals.js").Signal) => void }}
 */
export function exchangeCandidates(link, session, post, signal) {
  (async () => {
    while (!signal.aborted && session.room > 0) {
      const candidates = await link.furtherCandidates(session.room);
      if (!candidates) return;
      await post.write(await session.seal(candidates), signal);
    }
  })().catch(() => {
    // The addresses that were told have to do.
  });
  // One after the other: their numbers must rise.
  let line = Promise.resolve();
  return {
    channel: link.open,
    take: (further) => {
      line = line.then(async () => link.add(await session.open(further))).catch(() => {
        // What is not valid is ignored, not answered.
      });
    },
  };
}
