-- Publish a partial result, the JSON text `partial_result`, as entry fence-number of the job's stream, which is kept for
-- ttl_s seconds. Refused (0) when the fence is stale; called again (its answer was lost) it counts once.
if not has_lease(args.job, args.stage, args.fence) then return { 0 } end
local stream, entry = KEY.progress .. args.job, args.fence .. '-' .. args.number
if #redis.call('XRANGE', stream, entry, entry) == 0 then
  redis.call('XADD', stream, entry, 'said', args.partial_result)
  redis.call('EXPIRE', stream, args.ttl_s)
  redis.call('PUBLISH', KEY.changed, args.job)
end
return { 1 }
