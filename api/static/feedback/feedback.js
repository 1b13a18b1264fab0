// What a teacher reads of a job: what was said with its marks, the verdict, why, and the reply.

import { element } from "../shared/dom.js";
import { fluencyNode } from "./fluency.js";
import { correctionMarks, gapsNote, readingNotes, recognisedNote, transcriptLine, unclearLegend } from "./marks.js";
import { explanationNodes, isChecked, verdictLine } from "./verdicts.js";

/** The nodes for a job's transcript and feedback, as far as it has them; none for a job that is null. */
export function feedbackNodes(job, isReading = false) {
  const { feedback, transcript } = job ?? {};
  const explanations = feedback ? explanationNodes(feedback) : [];
  for (const node of explanations) node.classList.add("small");
  return [
    feedback && verdictLine(feedback),
    feedback && correctionMarks(feedback, isReading),
    ...(feedback && isReading ? readingNotes(job) : []),
    feedback && unclearLegend(feedback),
    isReading && feedback && isChecked(feedback) && fluencyNode(transcript?.reading),
    !feedback && transcript?.text && transcriptLine(transcript.text),
    job && recognisedNote(job),
    gapsNote(transcript),
    ...explanations,
    feedback?.reply && element("p", { class: "small reply" }, feedback.reply),
  ].filter(Boolean);
}
