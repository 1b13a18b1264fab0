-- Open webhook deliveries, in a tree: tenants, the hosts of each, the deliveries to each host; all by the time at which
-- the first below them is due. So the deliveries of one tenant or host are found at once, however many others have.
-- Part of what is prepended to every script: see records.lua.

local function hosts_key(tenant) return KEY.deliveries_of .. tenant end
local function host_key(tenant, host) return KEY.deliveries_of .. tenant .. '/' .. host end

-- `member` is in the sorted set `index` by the first time of the sorted set `below`; while that is not empty.
local function index_by_first(index, member, below)
  local time = redis.call('ZRANGE', below, 0, 0, 'WITHSCORES')[2]
  if time then redis.call('ZADD', index, time, member) else redis.call('ZREM', index, member) end
end

local function index_delivery(tenant, host)
  index_by_first(hosts_key(tenant), host, host_key(tenant, host))
  index_by_first(KEY.deliveries, tenant, hosts_key(tenant))
end

-- A delivery to `host` is due at `time`.
local function set_due(name, host, time)
  local tenant = tenant_of(name)
  redis.call('ZADD', host_key(tenant, host), time, name)
  index_delivery(tenant, host)
  local ttl_s = redis.call('TTL', KEY.delivery .. name)
  for _, key in ipairs({ KEY.deliveries, hosts_key(tenant), host_key(tenant, host) }) do
    redis.call('EXPIRE', key, math.max(1, ttl_s, redis.call('TTL', key)))
  end
end

-- A delivery is due no more, since it was made or given up, or its job is gone.
local function remove_due(name, host)
  redis.call('ZREM', host_key(tenant_of(name), host), name)
  index_delivery(tenant_of(name), host)
end

-- The time at which each open delivery is due changes by so many seconds.
local function move_deliveries(seconds)
  local function move(key)
    local members = redis.call('ZRANGE', key, 0, -1)
    for _, member in ipairs(members) do redis.call('ZINCRBY', key, seconds, member) end
    return members
  end
  for _, tenant in ipairs(move(KEY.deliveries)) do
    for _, host in ipairs(move(hosts_key(tenant))) do move(host_key(tenant, host)) end
  end
end
