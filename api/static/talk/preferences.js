// The dialog for the teacher, the voice and the speed; the choices are stored in this browser.

import { language, languageEvents, localName, t } from "../i18n/index.js";
import { stored } from "../shared/address.js";
import { $id, element } from "../shared/dom.js";
import { formatDuration, formatSpeed } from "../shared/format.js";
import { voiceOptions } from "../shared/options.js";

const STORAGE_KEY = "choices";
const choices = {
  persona: null,
  voice: null,
  speed: "1",
  aloud: "yes",
  card: "no",
  ...JSON.parse(stored.get(STORAGE_KEY) ?? "{}"),
};

function store(name, value) {
  choices[name] = value;
  stored.set(STORAGE_KEY, JSON.stringify(choices));
}

/** The chosen values as fields of a question. */
export function preferences() {
  const { persona, voice, speed, card } = choices;
  return { persona, voice, speed, ...(card === "yes" ? { card: "true" } : {}) };
}

/** Set up the dialog for what the server offers; `actions` are reset and erase, of the conversation. */
export function setUpPreferences(capabilities, actions) {
  const { personas, persona, voices, speed } = capabilities;
  if (!personas.some(({ name }) => name === choices.persona)) store("persona", persona);
  if (!voices.includes(choices.voice)) store("voice", voices[0]);
  const dialog = $id("preferences");
  $id("open-preferences").addEventListener("click", () => dialog.showModal());
  $id("voice").addEventListener("change", ({ target }) => store("voice", target.value));
  Object.assign($id("speed"), { min: speed.min, max: speed.max, value: choices.speed });
  $id("speed").addEventListener("input", ({ target }) => {
    store("speed", target.value);
    showSpeed();
  });
  $id("autoplay").checked = choices.aloud === "yes";
  $id("autoplay").addEventListener("change", ({ target }) => store("aloud", target.checked ? "yes" : "no"));
  $id("card").checked = choices.card === "yes";
  $id("card").addEventListener("change", ({ target }) => {
    store("card", target.checked ? "yes" : "no");
    showRetention(capabilities);
  });
  for (const name of ["reset", "erase"]) {
    $id(name).addEventListener("click", () => {
      actions[name]();
      dialog.close();
    });
  }
  const show = () => showOptions(capabilities);
  languageEvents.addEventListener("change", show);
  show();
}

function showOptions(capabilities) {
  const { personas, voices } = capabilities;
  const options = personas.map((persona) => personaOption(persona, personas));
  $id("personas").replaceChildren($id("personas").firstElementChild, ...options);
  $id("voice").replaceChildren(...voiceOptions(voices, choices.voice));
  showRetention(capabilities);
  showSpeed();
  showTeacher(personas);
}

/** How long the server keeps what it has; a lesson card has the learner's voice in it. */
function showRetention({ retention_h }) {
  const time = formatDuration(retention_h * 3600);
  $id("retention").textContent = choices.card === "yes" ? t("retention_cards", { time }) : t("retention", { time });
}

function personaOption({ name, display, about }, personas) {
  const change = () => {
    store("persona", name);
    showTeacher(personas);
  };
  return element(
    "label",
    { class: "persona" },
    element("input", { type: "radio", name: "persona", value: name, checked: name === choices.persona, change }),
    element("span", { class: `avatar ${name}`, "aria-hidden": "true" }, display.en[0]),
    element("span", {}, element("b", {}, localName(display)), element("small", {}, localName(about))),
  );
}

function showSpeed() {
  $id("speed-value").textContent = formatSpeed(choices.speed);
  $id("speed").setAttribute("aria-valuetext", `${choices.speed}×`);
}

function showTeacher(personas) {
  const { name, display, greeting, greetings } = personas.find((persona) => persona.name === choices.persona);
  $id("teacher-name").textContent = localName(display);
  $id("teacher-about").textContent = greeting;
  $id("teacher-greeting").textContent = greetings[language] ?? "";
  const avatar = document.querySelector(".teacher-card .avatar");
  avatar.className = `avatar ${name}`;
  avatar.textContent = display.en[0];
}
