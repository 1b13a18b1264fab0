// What the class has to practise: the kinds of mistakes that most of its students have not mastered.

import { kindName } from "../feedback/kinds.js";
import { t } from "../i18n/index.js";
import { rethrowUnlessTemporary } from "../shared/api.js";
import { $id } from "../shared/dom.js";
import { fetchClassLedger } from "./api.js";

const MAX_KINDS = 3; // that are named

export class ClassLedger {
  #kinds = [];
  #succeeded = null; // how many were answered when the ledger was last read

  constructor(assignment) {
    this.assignment = assignment;
  }

  /** Show what is known, and read it again where more answers have arrived. */
  async show() {
    this.#showKinds();
    const { succeeded } = this.assignment.data.progress;
    if (succeeded === this.#succeeded) return;
    this.#succeeded = succeeded;
    const ledger = succeeded ? await fetchClassLedger(this.assignment.id).catch(rethrowUnlessTemporary) : null;
    this.#kinds = ledger?.kinds ?? [];
    this.#showKinds();
  }

  #showKinds() {
    const names = this.#kinds.slice(0, MAX_KINDS).map(({ kind, students }) => {
      return t("ledger_class_kind", { kind: kindName(kind), n: students.length });
    });
    $id("class-ledger").hidden = !names.length;
    $id("class-ledger").textContent = t("ledger_class", { kinds: names.join(t("separator")) });
  }
}
