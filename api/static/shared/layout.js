// What every page has: the language button, the login, the offline banner, the service worker.

import { changeLanguage, errorText, forgetLanguage, t, translatePage } from "../i18n/index.js";
import { address, ROOT, stored } from "./address.js";
import { ApiError, connection, fetchApi, fetchJson } from "./api.js";
import { clearAll } from "./db.js";
import { $id } from "./dom.js";
import { reportErrors } from "./notices.js";

const ROLES = ["learner", "teacher", "admin"]; // each role includes those before it

/** Whether `role` is `required` or includes it. */
export const hasRole = (role, required) => ROLES.indexOf(role) >= ROLES.indexOf(required);

/**
 * Start a page. Returns the caller, {id, role, name, tenant}, after logging in where that is needed.
 *
 * A page without a `loginNeeded` can be read by anybody; its caller is null when nobody is logged in.
 */
export async function startPage({ loginNeeded = true } = {}) {
  translatePage();
  $id("language").addEventListener("click", changeLanguage);
  $id("log-out").addEventListener("click", logOut);
  connection.addEventListener("disconnected", () => ($id("offline").hidden = false));
  connection.addEventListener("connected", () => ($id("offline").hidden = true));
  if ("serviceWorker" in navigator) navigator.serviceWorker.register(address("sw.js"));
  const { keys_needed, caller } = await fetchLogin();
  const user = caller ?? (loginNeeded ? await logIn() : null);
  $id("log-out").hidden = !(keys_needed && user);
  const role = user?.role ?? ROLES[0];
  for (const link of document.querySelectorAll("[data-role]")) link.hidden = !hasRole(role, link.dataset.role);
  if (!user) return null;
  connection.addEventListener("unauthorized", async () => {
    const { id } = await logIn();
    if (id === user.id) connection.dispatchEvent(new Event("connected"));
    else location.reload(); // unsent items of one user must not be sent by another
  });
  return user;
}

/** Who is logged in; while the server cannot be reached, who was logged in before. */
async function fetchLogin() {
  for (;;) {
    try {
      const login = await fetchJson("v1/login");
      stored.set("login", JSON.stringify(login));
      return login;
    } catch (error) {
      if (error instanceof ApiError && !error.retryable) throw error;
      const before = stored.get("login");
      if (before) return JSON.parse(before);
      if (error instanceof ApiError) await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
      else await new Promise((resolve) => connection.addEventListener("connected", resolve, { once: true }));
    }
  }
}

let pendingLogin = null;

/** Ask for a key until the server accepts one; the caller that it belongs to. */
export function logIn() {
  pendingLogin ??= new Promise((resolve) => {
    const dialog = $id("login");
    const message = dialog.querySelector(".error");
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.querySelector("form").onsubmit = async (event) => {
      event.preventDefault();
      const { key, remember } = event.target.elements;
      try {
        const { caller } = await fetchJson("v1/login", {
          method: "POST",
          json: { key: key.value.trim(), remember: remember.checked },
        });
        dialog.close();
        pendingLogin = null;
        key.value = "";
        resolve(caller);
      } catch (error) {
        message.textContent = error instanceof ApiError ? errorText(error) : t("server_unreachable");
        message.hidden = false;
      }
    };
    message.hidden = true;
    dialog.showModal();
  });
  return pendingLogin;
}

async function logOut() {
  if (!confirm(t("log_out_confirm"))) return;
  const ended = await reportErrors(fetchApi("v1/login", { method: "DELETE" }), (text) => alert(text));
  if (!ended) return; // only the server can remove the cookie
  await clearAll();
  stored.clear();
  forgetLanguage();
  location.assign(ROOT);
}
