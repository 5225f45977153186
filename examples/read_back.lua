-- read_back.lua [RUNS] - compare the runs of a folder in the terminal: the last value of every curve, whoever wrote it.
local reader = require "helios.reader"

local root = arg[1] or "runs"

for _, found in ipairs(assert(reader.runs(root))) do
  local run <close> = assert(reader.open(found.path))
  print(found.name)
  for _, tag in ipairs(assert(run:tags("scalar"))) do
    print(("  %-24s %6d points, %g at step %d"):format(tag.tag, tag.points, tag.last_value, tag.last_step))
  end
end
