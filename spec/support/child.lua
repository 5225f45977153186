---Lua programs run as processes of their own, with the launcher's variables of the spec's choice.
local tmp = require "spec.support.tmp"

local M = {}

---What launchers set; a child has none of it unless the spec says so.
local LAUNCHER_VARIABLES = {
  "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE",
  "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE",
  "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE",
  "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS",
  "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE", "SLURM_TASKS_PER_NODE", "SLURM_NODEID",
  "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_STEPID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_TASKS_PER_NODE",
}

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

---The shell command that runs `script` with `env`; its stdout and stderr are files in `dir`.
local function command(dir, script, env)
  local words = {"env"}
  for _, name in ipairs(LAUNCHER_VARIABLES) do words[#words + 1] = "-u " .. name end
  for name, value in pairs(env or {}) do words[#words + 1] = quote(name .. "=" .. value) end
  tmp.write(dir .. "/script.lua", script)
  words[#words + 1] = os.getenv("LUA") or "lua5.4"
  words[#words + 1] = quote(dir .. "/script.lua")
  return ("%s >%s 2>%s </dev/null"):format(table.concat(words, " "), quote(dir .. "/out"), quote(dir .. "/err"))
end

---@class spec.Result
---@field ok boolean the exit status was 0
---@field out string
---@field err string

---Run a program and wait for it.
---@param script string Lua source
---@param env? table<string, string> variables to set
---@return spec.Result
function M.run(script, env)
  local dir = tmp.dir()
  local ok = os.execute(command(dir, script, env))
  return {ok = ok == true, out = tmp.read(dir .. "/out"), err = tmp.read(dir .. "/err")}
end

---Run several at the same time and wait for all.
---@param programs {script: string, env: table<string, string>?}[]
---@return boolean ok all exit statuses were 0
function M.run_together(programs)
  local lines = {}
  for _, program in ipairs(programs) do
    lines[#lines + 1] = command(tmp.dir(), program.script, program.env) .. " & pids=\"$pids $!\""
  end
  lines[#lines + 1] = "for pid in $pids; do wait $pid || exit 1; done"
  return os.execute(table.concat(lines, "\n")) == true
end

return M
