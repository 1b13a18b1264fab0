// The page of keys, for administrators: list, make, replace and revoke them.

import { languageEvents, t } from "../i18n/index.js";
import { connection, fetchJson } from "../shared/api.js";
import { copyButton } from "../shared/copy_button.js";
import { $id, announce, button, element, keepAddressOnSkip } from "../shared/dom.js";
import { formatDate } from "../shared/format.js";
import { hasRole, startPage } from "../shared/layout.js";
import { reportErrors } from "../shared/notices.js";

const user = await startPage();
const isAdmin = hasRole(user.role, "admin");
const form = $id("new-key");
let keys = null;
let newKey = null; // the last one that was made here, with its text, until the page is left or it is hidden

async function load() {
  if (!isAdmin) return;
  const loaded = await reportErrors(fetchJson("v1/keys"));
  if (loaded) keys = loaded.keys;
  show();
}

function show() {
  $id("admins-only").hidden = isAdmin;
  for (const section of document.querySelectorAll(".keys-section")) section.hidden = !isAdmin;
  if (!keys) return;
  const shown = keys.filter(({ revoked_at }) => $id("show-revoked").checked || !revoked_at).reverse();
  $id("keys").replaceChildren(...shown.map(keyRow));
  $id("keys-table").hidden = !shown.length;
  $id("no-keys").hidden = shown.length > 0;
  showNewKey();
}

function showNewKey() {
  $id("made").hidden = !newKey;
  if (!newKey) return;
  $id("made-title").textContent = t("keys_made", { name: newKey.name });
  const copy = copyButton(newKey.key, { label: "keys_copy", done: "keys_copied", caption: "keys_copy" });
  $id("made-key").replaceChildren(element("code", {}, newKey.key), copy);
}

function keyRow(key) {
  const cell = (kind, ...children) => element("td", { role: "cell", class: kind }, ...children);
  const actions = key.revoked_at
    ? [element("span", { class: "small" }, t("keys_revoked_on", { date: formatDate(key.revoked_at) }))]
    : [
        button("secondary small", "again", t("keys_rotate"), () => rotate(key), t("keys_rotate_of", key)),
        button("secondary small", "bad", t("keys_revoke"), () => revoke(key), t("keys_revoke_of", key)),
      ];
  const own = key.id === user.id && element("small", {}, t("keys_own"));
  return element(
    "tr",
    { role: "row", "data-key": key.id, class: key.revoked_at && "revoked" },
    element("th", { role: "rowheader", scope: "row" }, element("span", {}, key.name), own),
    cell("role", t(`role_${key.role}`)),
    cell("limits", limits(key)),
    cell("created", element("time", { datetime: key.created_at }, formatDate(key.created_at))),
    cell("actions", ...actions),
  );
}

function limits({ per_minute: perMinute, minutes_a_day: minutes }) {
  const parts = [
    perMinute > 0 && t("keys_limit_per_minute", { n: perMinute }),
    minutes > 0 && t("keys_limit_minutes", { n: minutes }),
  ].filter(Boolean);
  return parts.length ? parts.join(t("keys_limit_separator")) : t("keys_no_limit");
}

async function create(event) {
  event.preventDefault();
  const fields = new FormData(form);
  const number = (name) => (fields.get(name) === "" ? null : Number(fields.get(name)));
  const json = { role: fields.get("role"), name: fields.get("name").trim() };
  for (const name of ["per_minute", "minutes_a_day"]) if (number(name) !== null) json[name] = number(name);
  const made = await reportErrors(fetchJson("v1/keys", { method: "POST", json }));
  if (made) await present(made, form.elements.name);
}

async function rotate(key) {
  if (!confirm(t(key.id === user.id ? "keys_rotate_own_confirm" : "keys_rotate_confirm", key))) return;
  const made = await reportErrors(fetchJson(`v1/keys/${key.id}/rotate`, { method: "POST" }));
  if (made) await present(made);
}

/** Show a key that can be read only now. */
async function present(made, field = null) {
  newKey = made;
  if (field) field.value = "";
  if (made.id === user.id) show(); // this browser's login has ended: a reload of the list would ask for the key first
  else await load();
  $id("made").scrollIntoView({ block: "nearest" });
  $id("made-title").focus();
}

async function revoke(key) {
  if (!confirm(t(key.id === user.id ? "keys_revoke_own_confirm" : "keys_revoke_confirm", key))) return;
  const revoked = await reportErrors(fetchJson(`v1/keys/${key.id}`, { method: "DELETE" }));
  if (!revoked) return;
  announce(t("keys_revoked", key));
  await load();
}

$id("hide-made").addEventListener("click", () => {
  newKey = null;
  showNewKey();
});
form.addEventListener("submit", create);
$id("show-revoked").addEventListener("change", show);
languageEvents.addEventListener("change", show);
connection.addEventListener("connected", load);
keepAddressOnSkip();
show();
await load();
document.body.dataset.ready = "";
