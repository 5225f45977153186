-- killed.lua events|lines PATH - 50 calls, then the end that `kill -9` makes.
local logging = require "helios.core.logging"
local what, path = arg[1], arg[2]

if what == "events" then
  local tb = logging.TensorboardWriter()
  tb:setup(path)
  for i = 1, 50 do tb:add_scalar("loss", i, i) end
else
  local log = logging.RootLogger()
  log:setup(path)
  for i = 1, 50 do log:info("line %d", i) end
end
os.execute("kill -9 $PPID") -- the parent of that shell: this process
