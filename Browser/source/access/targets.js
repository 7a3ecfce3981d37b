// What paths and methods mean, and what a remote may do of it. The same routes as in Sources/PeerTunnel/Access.

/**
 * What a remote may do.
 * @typedef {object} Grant
 * @property {"read-only" | "read-write" | "inbox"} access
 * @property {boolean} queries `_find`, which may go through the whole database
 * @property {boolean} designDocuments writing them: they are code that others may run
 */

/**
 * What a path and a method mean.
 * @typedef {{ kind: "database" | "_all_docs" | "_changes" | "_bulk_get" | "_bulk_docs" | "_revs_diff" | "_missing_revs" | "_find" }
 *   | { kind: "document" | "local", id: string } | { kind: "attachment", id: string, name: string }} Target
 */

const SPECIAL = /** @type {const} */ (["_all_docs", "_changes", "_bulk_get", "_bulk_docs", "_revs_diff", "_missing_revs", "_find"]);

/**
 * Whether a name would lead elsewhere where it becomes a path: a database that is asked by HTTP puts attachments' names into URLs as
 * they are.
 * @param {string} name of a document or an attachment
 */
export const isPath = (name) => name.split(/[/\\]/).some((part) => part === "." || part === "..");

/** @param {string[]} segments behind the share's id, decoded @returns {Target | null} */
export function readTarget(segments) {
  if (segments.some((segment) => segment === "" || isPath(segment))) return null;
  const [first, ...rest] = segments;
  if (first === undefined) return { kind: "database" };
  if (!first.startsWith("_")) return documentTarget(first, rest);
  if (first === "_local") return rest.length > 0 ? { kind: "local", id: `_local/${rest.join("/")}` } : null;
  if (first.startsWith("_local/")) return rest.length === 0 && first !== "_local/" ? { kind: "local", id: first } : null;
  if (first === "_design") return rest.length > 0 ? documentTarget(`_design/${rest[0]}`, rest.slice(1)) : null;
  if (first.startsWith("_design/")) return first === "_design/" ? null : documentTarget(first, rest);
  const kind = rest.length === 0 ? SPECIAL.find((each) => each === first) : undefined;
  return kind ? { kind } : null;
}

/** @param {string} id @param {string[]} rest @returns {Target | null} */
function documentTarget(id, rest) {
  if (rest.length === 0) return { kind: "document", id };
  // Below a design document these are views and the like.
  return id.startsWith("_design/") && rest[0].startsWith("_") ? null : { kind: "attachment", id, name: rest.join("/") };
}

/** What each method of a target needs of a grant. @type {Record<string, Record<string, "nothing" | "reading" | "querying" | "writing" | "editing" | "local">>} */
const NEEDS = {
  database: { GET: "nothing", POST: "writing" },
  _all_docs: { GET: "reading", POST: "reading" },
  _changes: { GET: "reading", POST: "reading" },
  _bulk_get: { POST: "reading" },
  _bulk_docs: { POST: "writing" },
  _revs_diff: { POST: "reading" },
  _missing_revs: { POST: "reading" },
  _find: { POST: "querying" },
  document: { GET: "reading", PUT: "writing", DELETE: "editing" },
  attachment: { GET: "reading", PUT: "writing", DELETE: "editing" },
  local: { GET: "local", PUT: "local", DELETE: "local" },
};

/** Whether a remote may do this. @param {Target} target @param {string} method @param {Grant} grant */
export function isAllowed({ kind }, method, { access, queries }) {
  switch (Object.hasOwn(NEEDS[kind], method) ? NEEDS[kind][method] : "none") {
    case "nothing": return true;
    case "reading": return access !== "inbox";
    case "querying": return access !== "inbox" && queries;
    case "writing": return access !== "read-only";
    case "editing": return access === "read-write";
    case "local": return access !== "inbox";
    default: return false;
  }
}
