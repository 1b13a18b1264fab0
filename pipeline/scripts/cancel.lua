-- cancel(job, detail): end the job unless it has ended; whoever works on it is refused afterwards.
local job, detail = unpack(ARGV)
if not alive(job) then return { 0, bells } end
finish(job, failure(job, 'canceled', detail, false))
return { 1, bells }
