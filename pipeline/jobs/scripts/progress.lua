-- progress(job, stage, fence, number, said, lasting_s): what there is of the result so far, as entry fence-number of the
-- job's stream. Refused (0) when the fence is stale; called again (its answer was lost) it counts once.
local job, stage, fence, number, said, ttl_s = unpack(ARGV)
if not has_lease(job, stage, fence) then return { 0 } end
local stream, entry = KEY.progress .. job, fence .. '-' .. number
if #redis.call('XRANGE', stream, entry, entry) == 0 then
  redis.call('XADD', stream, entry, 'said', said)
  redis.call('EXPIRE', stream, ttl_s)
  redis.call('PUBLISH', KEY.changed, job)
end
return { 1 }
