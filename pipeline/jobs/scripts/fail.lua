-- fail(job, stage, fence, error, again, attempts): again = 1 tries once more while attempts are left.
local job, stage, fence, why, again, attempts = unpack(ARGV)
if not has_lease(job, stage, fence) then return { 0, ready_jobs } end
if again == '1' then try_again(job, attempts, why) else finish(job, why) end
return { 1, ready_jobs }
