// How often something may happen.

/** At most so many events within a second, which begins with its first event. */
export class RateLimit {
  /** @param {number} perSecond */
  constructor(perSecond) {
    this.perSecond = perSecond;
    this.start = -Infinity;
    this.count = 0;
  }

  /** @param {number} now */
  allows(now) {
    if (now - this.start >= 1000) {
      this.start = now;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= this.perSecond;
  }

  /** @param {number} now */
  wouldAllow(now) {
    return now - this.start >= 1000 || this.count < this.perSecond;
  }
}
