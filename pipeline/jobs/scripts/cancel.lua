-- cancel(job, detail, call): end the job unless it has ended; whoever works on it is refused afterwards.
local job, detail, call = unpack(ARGV)
return { cancel(job, detail, call) and 1 or 0, ready_jobs }
