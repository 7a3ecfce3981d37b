"use strict";

// How many bytes a channel's buffer takes before a pump waits, and at how few it goes on. Chromium's own limit is 16 MiB.
const highMark = 4 << 20;
const lowMark = 1 << 20;
// How much an exchange has under way.
const windowMessages = 64;
const windowBytes = 1 << 20;

const encoder = new TextEncoder();
// Of which `size` bytes make text or data; the text has characters of 1 to 4 bytes.
const text = "Zwölf Boxkämpfer jagen Виктора 关于 den 🥊 Sylter Deich. ";
const textBytes = encoder.encode(text).length;

/** A text of `size` bytes in UTF-8. */
function makeText(size, number) {
  const whole = `${number} `.slice(0, size);
  const repetitions = Math.floor((size - whole.length) / textBytes);
  return whole + text.repeat(repetitions) + ".".repeat(size - whole.length - repetitions * textBytes);
}

/** `size` bytes for messages that begin with their number. */
function makeData(size) {
  return Uint8Array.from({ length: size }, (_, i) => i & 255);
}

function writeNumber(data, number) {
  if (data.length >= 4) new DataView(data.buffer).setUint32(0, number);
}

/** How long message n of an exchange is; its logarithm comes from a multiplicative sequence, evenly spread. */
function messageSize(number, largest) {
  if (number < 5) return [1, largest, largest, 0, 0][number];
  return Math.round(Math.exp(((number * 0.6180339887498949) % 1) * Math.log(largest)));
}

function isEqual(sent, received) {
  if (typeof sent === "string" || typeof received === "string") return sent === received;
  const bytes = new Uint8Array(received);
  return sent.length === bytes.length && sent.every((byte, i) => byte === bytes[i]);
}

/** A data channel, and what is done with its messages. */
class Channel {
  constructor(channel, isIncoming) {
    this.channel = channel;
    this.isClosed = false;
    this.messages = 0;
    this.bytes = 0;
    this.crc = 0;
    this.first = null;
    this.last = null;
    // Called with messages that come in while they are those of an exchange.
    this.onEcho = null;
    // What waits for a change of anything.
    this.waiting = [];
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = lowMark;
    channel.onopen = () => {
      say({ event: "open", label: channel.label, protocol: channel.protocol, ordered: channel.ordered,
        maxRetransmits: channel.maxRetransmits, maxPacketLifeTime: channel.maxPacketLifeTime, number: channel.id,
        incoming: isIncoming });
      this.changed();
    };
    channel.onclose = () => {
      this.forget();
      say({ event: "closed", label: channel.label });
    };
    channel.onbufferedamountlow = () => this.changed();
    channel.onmessage = (event) => this.receive(event.data);
  }

  /** Lets those go on who wait for a change. */
  changed() {
    for (const proceed of this.waiting.splice(0)) proceed();
  }

  /** Fails those who wait. */
  forget() {
    this.isClosed = true;
    this.changed();
  }

  /** Waits until the condition holds; throws if the channel closes before. */
  async until(condition) {
    while (!condition()) {
      if (this.isClosed) throw new Error(`the channel ${this.channel.label} is closed`);
      await new Promise((proceed) => this.waiting.push(proceed));
    }
  }

  receive(message) {
    const protocol = this.channel.protocol;
    if (this.onEcho !== null) this.onEcho(message);
    else if (protocol === "echo") this.channel.send(message);
    else if (protocol === "sink" || protocol === "discard") {
      const data = typeof message === "string" ? encoder.encode(message) : new Uint8Array(message);
      this.last = performance.now();
      this.first ??= this.last;
      this.messages += 1;
      this.bytes += data.length;
      if (protocol === "sink") this.crc = crc32(data, this.crc);
    } else {
      say({ event: "message", label: this.channel.label, ...(typeof message === "string" ? { text: message }
        : { base64: btoa(Array.from(new Uint8Array(message), (byte) => String.fromCharCode(byte)).join("")) }) });
    }
    if (this.waiting.length > 0) this.changed();
  }

  async exchange(count, largest) {
    const underWay = [];
    const start = performance.now();
    let underWayBytes = 0, total = 0, returned = 0, problem = null;
    this.onEcho = (message) => {
      const sent = underWay.shift() ?? { size: 0 };
      if (!isEqual(sent.message, message)) problem ??= `message ${returned} came back differently, or unasked`;
      underWayBytes -= sent.size;
      returned += 1;
    };
    try {
      for (let number = 0; number < count && !problem; number++) {
        const size = messageSize(number, largest);
        await this.until(() => problem || underWay.length === 0
          || (underWay.length < windowMessages && underWayBytes + size <= windowBytes));
        let message;
        if (number % 2 === 1) message = makeText(size, number);
        else writeNumber(message = makeData(size), number);
        underWay.push({ message, size });
        underWayBytes += size;
        total += size;
        this.channel.send(message);
      }
      await this.until(() => problem || underWay.length === 0);
    } finally {
      this.onEcho = null;
    }
    if (problem) throw new Error(problem);
    return { messages: returned, bytes: total, seconds: (performance.now() - start) / 1000 };
  }

  async pump(size, total, seconds) {
    await this.until(() => this.channel.readyState === "open");
    const start = performance.now();
    const isDigested = this.channel.protocol === "sink";
    const whole = makeData(size);
    let sent = 0, messages = 0, crc = 0;
    for (; sent < total && performance.now() < start + seconds * 1000; messages++) {
      const data = total - sent < size ? makeData(total - sent) : whole;
      writeNumber(data, messages);
      if (isDigested) crc = crc32(data, crc);
      await this.until(() => this.channel.bufferedAmount + size <= highMark);
      this.channel.send(data);
      sent += data.length;
    }
    this.channel.bufferedAmountLowThreshold = 0;
    await this.until(() => this.channel.bufferedAmount === 0);
    this.channel.bufferedAmountLowThreshold = lowMark;
    const result = { messages, bytes: sent, seconds: (performance.now() - start) / 1000 };
    return isDigested ? { ...result, crc32: crc } : result;
  }

  async received(total) {
    await this.until(() => this.bytes >= total);
    const result = { messages: this.messages, bytes: this.bytes, seconds: (this.last - this.first) / 1000 };
    return this.channel.protocol === "sink" ? { ...result, crc32: this.crc } : result;
  }

  async ping(count, size) {
    const times = [];
    const data = makeData(size);
    let returned = 0;
    this.onEcho = () => { returned += 1; };
    try {
      for (let number = 0; number < count; number++) {
        const start = performance.now();
        this.channel.send(data);
        await this.until(() => returned > number);
        times.push((performance.now() - start) * 1000);
      }
    } finally {
      this.onEcho = null;
    }
    times.sort((one, other) => one - other);
    return { median: times[count >> 1], best: times[0], p99: times[Math.floor(count * 0.99)] };
  }
}
