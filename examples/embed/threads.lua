-- threads.lua - one worker of threads.c: looks for the root of a polynomial from a place of its own.
local tb, number = ...

local x = number
for step = 1, 100 do
  local value, slope = x ^ 3 - 2 * x - 5, 3 * x ^ 2 - 2
  x = x - 0.1 * value / slope
  tb:add_scalar(("root/worker_%d"):format(number), x, step)
end
assert(tb:flush())
