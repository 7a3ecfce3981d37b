// Why a share cannot be opened, whatever is tried.

/** The owner has said no. */
export class Refused extends Error {
  /** @param {string} refusal */
  constructor(refusal) {
    super({
      forbidden: "The sharer does not let this identity in.", ticket: "The sharer does not know the ticket.",
      "ticket-expired": "The ticket has expired.", "ticket-claimed": "The ticket belongs to another identity already.",
      busy: "The sharer has too many connections.", closed: "The sharer is taking the share back.",
    }[refusal] ?? `The sharer refuses: ${refusal}`);
    this.name = "Refused";
    this.refusal = refusal;
    this.status = 403;
  }

  get isFinal() {
    return this.refusal !== "busy" && this.refusal !== "closed";
  }
}

/** The hub has no such share, or none that is valid. */
export class Absent extends Error {
  constructor() {
    super("The share is not there.");
    this.name = "Absent";
    this.status = 404;
  }
}
