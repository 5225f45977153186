-- merciless.lua - a collector that never rests: each cycle starts where the last one ended, in the smallest steps, so
-- that an object somebody forgot to anchor dies at once. Loaded through LUA_INIT.
collectgarbage("incremental", 1, 1000, 1)
