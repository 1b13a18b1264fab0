-- claim(stage, worker, child, most, lease_s, attempts): lease the first `most` ready jobs of the stage.
-- Leases held by an earlier child of the same worker are broken first: that child is dead.
local stage, worker, child, most, lease, attempts = unpack(ARGV)
local mine = redis.call('HGETALL', P .. 'held:' .. worker)
for i = 1, #mine, 2 do
  if mine[i + 1] ~= child then
    redis.call('HDEL', P .. 'held:' .. worker, mine[i])
    if alive(mine[i]) and get(mine[i], 'worker') == worker then
      try_again(mine[i], attempts, failure(mine[i], 'worker_lost', LOST, true))
    end
  end
end
local claims = {}
while #claims < tonumber(most) do
  local job = redis.call('ZPOPMIN', P .. 'ready:' .. stage)[1]
  if not job then break end
  if alive(job) and get(job, 'stage') == stage then
    redis.call('HINCRBY', key(job), 'attempts:' .. stage, 1)
    local fence = redis.call('HINCRBY', key(job), 'fence', 1)
    redis.call('HSET', key(job), 'phase', 'running', 'worker', worker, 'claimed_at', stamp(NOW),
      'waited:' .. stage, stamp(NOW - get(job, 'ready_at')))
    redis.call('HSET', P .. 'held:' .. worker, job, child)
    redis.call('EXPIRE', P .. 'held:' .. worker, 86400)
    redis.call('ZADD', P .. 'leases', NOW + lease, job)
    touch(job)
    claims[#claims + 1] = { tostring(fence), redis.call('HGETALL', key(job)) }
  end
end
return { claims, bells }
