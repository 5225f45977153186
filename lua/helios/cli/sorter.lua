---Points of a run in the order of their steps, in bounded memory: what does not fit waits in a temporary file.
---
---Points are taken in the order they were written, which is nearly that of their steps. A buffer of them is sorted and
---put behind a chain in the file whose last point it follows, or begins a chain of its own; reading merges the chains.
---A run whose steps only rise is one chain; each sitting or phase that goes back adds at most one.
local M = {}

local ROOM = 16384 -- points kept in memory, a few megabytes
local PIECE = 64   -- points read at once from each chain
local RECORD = "<i8i8i4ddB" -- step, number in the order they were written, column, value, time, 1 for a float32
local SIZE = string.packsize(RECORD)

---@class helios.cli.Sorter
local Sorter = {}
Sorter.__index = Sorter

---@param room integer?  how many points to keep in memory
---@return helios.cli.Sorter
function M.new(room)
  return setmetatable({room = room or ROOM, buffer = {}, count = 0, chains = {}}, Sorter)
end

---By step; points of one step as they were written.
local function before(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] < b[2]
end

local function sort(buffer)
  for i = 2, #buffer do
    if before(buffer[i], buffer[i - 1]) then return table.sort(buffer, before) end
  end
end

---The chain that a point may follow: the one that ends closest before it.
local function chain_for(chains, point)
  local best
  for _, chain in ipairs(chains) do
    if not before(point, chain.last) and (not best or before(best.last, chain.last)) then best = chain end
  end
  if not best then
    best = {pieces = {}}
    chains[#chains + 1] = best
  end
  return best
end

---Move the buffer into the file.
local function spill(self)
  local buffer, bytes = self.buffer, {}
  local offset, ok, message
  if not self.file then
    self.file, message = io.tmpfile()
    if not self.file then return nil, "temporary file: " .. message end
  end
  sort(buffer)
  for i, point in ipairs(buffer) do bytes[i] = RECORD:pack(table.unpack(point)) end
  local chain = chain_for(self.chains, buffer[1])
  offset, message = self.file:seek("end")
  if offset then ok, message = self.file:write(table.concat(bytes)) end
  if not ok then return nil, "temporary file: " .. message end
  table.insert(chain.pieces, {offset = offset, count = #buffer})
  chain.last = buffer[#buffer]
  self.buffer = {}
  return true
end

---@param step integer
---@param column integer
---@param value number
---@param time number
---@param single boolean  the value was stored as a float32
---@return boolean? ok
---@return string? message
function Sorter:add(step, column, value, time, single)
  self.count = self.count + 1
  self.buffer[#self.buffer + 1] = {step, self.count, column, value, time, single and 1 or 0}
  if #self.buffer < self.room then return true end
  return spill(self)
end

---The next points of a chain out of the file, into memory; nil at its end.
local function refill(self, chain)
  local piece = chain.pieces[1]
  if not piece then return nil end
  local n = math.min(PIECE, piece.count)
  self.file:seek("set", piece.offset)
  local bytes = self.file:read(n * SIZE) or ""
  if #bytes < n * SIZE then error("temporary file: cannot read", 0) end
  chain.points, chain.at = {}, 1
  for i = 1, n do
    local point = {RECORD:unpack(bytes, (i - 1) * SIZE + 1)}
    point[#point] = nil -- where the next one begins
    chain.points[i] = point
  end
  piece.offset, piece.count = piece.offset + n * SIZE, piece.count - n
  if piece.count == 0 then table.remove(chain.pieces, 1) end
  return chain.points[1]
end

local function head(self, chain)
  return chain.points and chain.points[chain.at] or refill(self, chain)
end

---Iterate over all points, `{step, number, column, value, time, single}` each, in order. Call it once, after the last
---`add`.
---@return fun(): table?
function Sorter:sorted()
  sort(self.buffer)
  local chains = {{points = self.buffer, at = 1, pieces = {}}}
  table.move(self.chains, 1, #self.chains, 2, chains)
  return function()
    local best, lowest
    for i = #chains, 1, -1 do
      local point = head(self, chains[i])
      if not point then table.remove(chains, i)
      elseif not lowest or before(point, lowest) then best, lowest = chains[i], point end
    end
    if best then best.at = best.at + 1 end
    return lowest
  end
end

---Forget everything. The file is gone with it.
function Sorter:close()
  if self.file then self.file:close() end
  self.buffer, self.chains, self.file = {}, {}, nil
end

Sorter.__close = Sorter.close

return M
