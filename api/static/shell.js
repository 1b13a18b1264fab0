// What every page has: its language, who is logged in, the word that the server cannot be reached, work without it.

import { by } from "./dom.js";
import { changeLanguage, changes, language, say, sayProblem, translate } from "./i18n.js";
import { call, connection, Problem, read } from "./server.js";
import { forgetAll } from "./store.js";

const ROLES = ["learner", "teacher", "admin"]; // each may do what those before it may
const OTHER = { en: "中文", zh: "English" };

/** Whether this role may do what asks for at least that one. */
export const may = (role, least) => ROLES.indexOf(role) >= ROLES.indexOf(least);

/** Begin a page; the caller that it works for, {id, role, name, tenant}, once the server knows one. */
export async function begin() {
  translate();
  sayLanguage();
  by("language").addEventListener("click", changeLanguage);
  changes.addEventListener("change", sayLanguage);
  by("leave").addEventListener("click", leave);
  connection.addEventListener("lost", () => (by("lost").hidden = false));
  connection.addEventListener("found", () => (by("lost").hidden = true));
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js");
  const { keys_needed, caller } = await known();
  const who = caller ?? (await logIn());
  by("leave").hidden = !keys_needed;
  for (const link of document.querySelectorAll("[data-least]")) link.hidden = !may(who.role, link.dataset.least);
  connection.addEventListener("locked", async () => {
    const { id } = await logIn();
    if (id === who.id) connection.dispatchEvent(new Event("found"));
    else location.reload(); // nothing that one has left may go out in another's name
  });
  return who;
}

function sayLanguage() {
  by("language").textContent = OTHER[language];
  by("language").lang = language === "en" ? "zh" : "en";
}

/** Who the server says we are; as long as it is away, who it said we were. */
async function known() {
  for (;;) {
    try {
      const login = await read("/v1/login");
      localStorage.setItem("login", JSON.stringify(login));
      return login;
    } catch (error) {
      if (error instanceof Problem && !error.retryable) throw error;
      const before = localStorage.getItem("login");
      if (before) return JSON.parse(before);
      if (error instanceof Problem) await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
      else await new Promise((resolve) => connection.addEventListener("found", resolve, { once: true }));
    }
  }
}

let asking = null;

/** Ask for a key until one is good; the caller whose it is. */
export function logIn() {
  asking ??= new Promise((resolve) => {
    const dialog = by("login");
    const wrong = dialog.querySelector(".wrong");
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.querySelector("form").onsubmit = async (event) => {
      event.preventDefault();
      const { key, remember } = event.target.elements;
      try {
        const { caller } = await read("/v1/login", { method: "POST", json: { key: key.value.trim(), remember: remember.checked } });
        dialog.close();
        asking = null;
        key.value = "";
        resolve(caller);
      } catch (error) {
        wrong.textContent = error instanceof Problem ? sayProblem(error) : say("lost");
        wrong.hidden = false;
      }
    };
    wrong.hidden = true;
    dialog.showModal();
  });
  return asking;
}

async function leave() {
  if (!confirm(say("log_out_sure"))) return;
  await call("/v1/login", { method: "DELETE" });
  await forgetAll();
  localStorage.clear();
  location.assign("/");
}
