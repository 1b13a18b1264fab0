// What a teacher reads of a job: what was said with its marks, the verdict, why, and the reply.

import { element } from "../shared/dom.js";
import { correctionMarks, gapsNote, recognisedNote, transcriptLine, unclearLegend } from "./marks.js";
import { explanationNode, verdictLine } from "./verdicts.js";

/** The nodes for a job's transcript and feedback, as far as it has them; none for a job that is null. */
export function feedbackNodes(job) {
  const { feedback, transcript } = job ?? {};
  const explanation = feedback && explanationNode(feedback);
  explanation?.classList.add("small");
  return [
    feedback && verdictLine(feedback),
    feedback && correctionMarks(feedback),
    feedback && unclearLegend(feedback),
    !feedback && transcript?.text && transcriptLine(transcript.text),
    job && recognisedNote(job),
    gapsNote(transcript),
    explanation,
    feedback?.reply && element("p", { class: "small reply" }, feedback.reply),
  ].filter(Boolean);
}
