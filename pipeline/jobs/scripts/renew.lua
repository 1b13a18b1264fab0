-- renew(lease_s, stage, job, fence, …): keep the leases that are still ours; answers the jobs that are not.
local lost = {}
for i = 3, #ARGV, 2 do
  if has_lease(ARGV[i], ARGV[2], ARGV[i + 1]) then
    -- mutant: renewal with full memory
    redis.call('ZREM', KEY.leases, ARGV[i])  -- while the memory is full, a script may not begin with an addition
    redis.call('ZADD', KEY.leases, NOW + ARGV[1], ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return { lost }
