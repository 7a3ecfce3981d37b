// A number of units that are taken and given back; those who find too few wait in line.

export class Allowance {
  #free;
  /** @type {{ units: number, serve: () => void }[]} */
  #waiting = [];

  /** @param {number} total */
  constructor(total) {
    this.total = total;
    this.#free = total;
  }

  /**
   * Takes units if they are free.
   * @param {number} units
   * @returns {(() => void) | null} gives them back, once
   */
  takeNow(units = 1) {
    if (this.#waiting.length > 0 || this.#free < units) return null;
    this.#free -= units;
    return this.#giveBack(units);
  }

  /**
   * Takes units, as soon as those who came before have theirs. More than there are count as all of them.
   * @param {number} units
   * @param {AbortSignal} [signal] ends the wait
   * @returns {Promise<() => void>} gives them back, once
   */
  async take(units = 1, signal) {
    const wanted = Math.min(units, this.total);
    const place = this.takeNow(wanted);
    if (place) return place;
    await new Promise((resolve, reject) => {
      const waiter = { units: wanted, serve: () => {} };
      const abort = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        this.#serve();
        reject(signal?.reason);
      };
      waiter.serve = () => {
        signal?.removeEventListener("abort", abort);
        resolve(undefined);
      };
      this.#waiting.push(waiter);
      signal?.addEventListener("abort", abort, { once: true });
      if (signal?.aborted) abort();
    });
    return this.#giveBack(wanted);
  }

  /** @param {number} units @returns {() => void} */
  #giveBack(units) {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free += units;
      this.#serve();
    };
  }

  #serve() {
    for (let first = this.#waiting[0]; first && first.units <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= first.units;
      first.serve();
    }
  }
}
