// A button that copies a text.

import { t } from "../i18n/index.js";
import { announce, button, setIcon } from "./dom.js";

const COPIED_MS = 1500; // for which the button confirms

/** Copies the text. Where the browser does not allow that, it selects the element before it, which shows the text. */
export function copyButton(text, { label, done, caption = null }) {
  const copy = async () => {
    if (!navigator.clipboard) return getSelection().selectAllChildren(node.previousSibling);
    await navigator.clipboard.writeText(text);
    setIcon(node.firstElementChild, "good");
    announce(t(done));
    setTimeout(() => setIcon(node.firstElementChild, "copy"), COPIED_MS);
  };
  const node = button("secondary small copy", "copy", caption && t(caption), copy, t(label));
  return node;
}
