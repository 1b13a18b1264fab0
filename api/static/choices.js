// Which teacher answers, in which voice and how fast: chosen once, and remembered.

import { by, element } from "./dom.js";
import { changes, named, say, sayDuration } from "./i18n.js";

const kept = { persona: null, voice: null, speed: "1", aloud: "yes", ...JSON.parse(localStorage.getItem("choices") ?? "{}") };

function keep(name, value) {
  kept[name] = value;
  localStorage.setItem("choices", JSON.stringify(kept));
}

/** The fields of a question that were chosen. */
export function choices() {
  return { persona: kept.persona, voice: kept.voice, speed: kept.speed };
}

/** Show what can be chosen of the server's `capabilities`; `acts` are reset and erase, of the conversation. */
export function prepareChoices(capabilities, acts) {
  const { personas, persona, voices, speed } = capabilities;
  if (!personas.some(({ name }) => name === kept.persona)) keep("persona", persona);
  if (!voices.includes(kept.voice)) keep("voice", voices[0]);
  by("choose").addEventListener("click", () => by("choices").showModal());
  by("voice").addEventListener("change", ({ target }) => keep("voice", target.value));
  Object.assign(by("speed"), { min: speed.min, max: speed.max, value: kept.speed });
  by("speed").addEventListener("input", ({ target }) => (keep("speed", target.value), showSpeed()));
  by("aloud").checked = kept.aloud === "yes";
  by("aloud").addEventListener("change", ({ target }) => keep("aloud", target.checked ? "yes" : "no"));
  for (const act of ["reset", "erase"]) by(act).addEventListener("click", () => (acts[act](), by("choices").close()));
  const show = () => showChoices(capabilities);
  changes.addEventListener("change", show);
  show();
}

function showChoices(capabilities) {
  const { personas, voices, retention_h } = capabilities;
  const teachers = personas.map((each) =>
    element("label", { class: "persona" },
      element("input", { type: "radio", name: "persona", value: each.name, checked: each.name === kept.persona, change: () => (keep("persona", each.name), showTeacher(personas)) }),
      element("span", { class: `face ${each.name}`, "aria-hidden": "true" }, each.display.en[0]),
      element("span", {}, element("b", {}, named(each.display)), element("small", {}, named(each.about)))));
  by("personas").replaceChildren(by("personas").firstElementChild, ...teachers);
  by("voice").replaceChildren(...voices.map((name) => element("option", { value: name, selected: name === kept.voice }, name === "default" ? say("voice_default") : name)));
  by("kept-how-long").textContent = say("kept_how_long", { time: sayDuration(retention_h * 3600) });
  showSpeed();
  showTeacher(personas);
}

function showSpeed() {
  by("speed-shown").textContent = `${Number(kept.speed).toFixed(1)}×`;
  by("speed").setAttribute("aria-valuetext", `${kept.speed}×`);
}

function showTeacher(personas) {
  const teacher = personas.find(({ name }) => name === kept.persona);
  by("teacher-name").textContent = named(teacher.display);
  by("teacher-about").textContent = teacher.greeting;
  const face = document.querySelector(".teacher .face");
  face.className = `face ${teacher.name}`;
  face.textContent = teacher.display.en[0];
}
