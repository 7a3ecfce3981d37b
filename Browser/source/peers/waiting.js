// Waiting: between attempts, and not for ever.

/** Waits between attempts, in milliseconds: doubled after each failure, with chance in it. */
export class BackOff {
  #failures = 0;

  next() {
    const whole = Math.min(1000 * 2 ** Math.min(this.#failures++, 10), 60_000);
    return whole * (0.5 + Math.random() / 2);
  }

  reset() {
    this.#failures = 0;
  }
}

/** @param {number} time @param {AbortSignal} [signal] ends the wait early @returns {Promise<void>} */
export const pause = (time, signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, time);
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
});

/**
 * A promise that fails after a time, with its timer gone as soon as it is settled.
 * @template Value @param {Promise<Value>} work @param {number} time @param {string} message @returns {Promise<Value>}
 */
export function within(work, time, message) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(message)), time); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
