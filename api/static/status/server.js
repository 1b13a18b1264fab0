// What the server is and has: version, retention, disk, memory, GPUs, and the messages in each queue.

import { t } from "../i18n/index.js";
import { formatBytes, formatDuration, formatNumber } from "../shared/format.js";
import { figureItem } from "./stages.js";

const QUEUE_NAMES = { segment: "status_queue_segment", maintenance: "status_queue_maintenance" };

/** The figures as parts of a <dl>. */
export function serverItems({ version, retention, memory, disk, gpus, queues }) {
  const free = (bytes) => t("status_free", { free: formatBytes(bytes) });
  return [
    version !== null && figureItem("version", t("status_version"), version),
    retention !== null && figureItem("retention", t("status_retention"), formatDuration(retention)),
    disk && figureItem("disk", t("status_disk"), free(disk.free)),
    memory !== null && figureItem("memory", t("status_memory"), free(memory)),
    ...gpus.map((gpu) => figureItem("gpu", gpu.name, gpuText(gpu))),
    gpus.length === 0 && figureItem("gpu", t("status_gpu"), t("status_no_gpu")),
    ...queues.map(({ queue, messages }) =>
      figureItem(`queue-${queue}`, t("status_queue", { queue: queueName(queue) }), formatNumber(messages)),
    ),
  ].filter(Boolean);
}

const gpuText = ({ free, total }) => t("status_free_of", { free: formatBytes(free), total: formatBytes(total) });

const queueName = (queue) => t(QUEUE_NAMES[queue] ?? `status_short_${queue}`);
