// Where the server is: at the top of its host, or below a path, such as https://school.example/waijiao/.

/** The path at which the server begins: "/" or "/waijiao/". */
export const ROOT = new URL("../..", import.meta.url).pathname;

/** The address of a path on the server, such as "v1/jobs". A link in one of its responses is an address already. */
export const address = (path) => (path.startsWith("/") ? path : ROOT + path);

/** The name under which a browser stores something, since it shares storage among all that is on one host. */
export const ownName = (name) => (ROOT === "/" ? name : `${ROOT}${name}`);

const STORED = ["capabilities", "choices", "class-choices", "login", "session"];

/** What this server's pages store in localStorage; other pages on the same host have entries of their own. */
export const stored = {
  get: (name) => localStorage.getItem(ownName(name)),
  set: (name, text) => localStorage.setItem(ownName(name), text),
  clear: () => STORED.forEach((name) => localStorage.removeItem(ownName(name))),
};
