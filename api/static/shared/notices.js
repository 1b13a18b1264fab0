// Shows why a request that the user made by pressing a button failed.

import { errorText, t } from "../i18n/index.js";
import { ApiError, Unreachable } from "./api.js";

/** Await `request`. When it fails, `show` gets the reason as text, and the result is null. */
export async function reportErrors(request, show = showError) {
  if (show === showError) showError("");
  try {
    return await request;
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
    show(error instanceof ApiError ? errorText(error) : t("server_unreachable"));
    return null;
  }
}

/** Show an error in all elements that the page has for it; "" hides it. */
export function showError(text) {
  for (const node of document.querySelectorAll(".request-error")) {
    node.textContent = text;
    node.hidden = !text;
  }
}
