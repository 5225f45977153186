---Event files that no writer of ours would make: any bytes as tags, any step, value and time.
local events = require "spec.support.events"

local M = {}

local function masked(bytes)
  local crc = events.crc32c(bytes)
  return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
end

local function varint(n)
  local out = {}
  while n < 0 or n > 127 do
    out[#out + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  return table.concat(out) .. string.char(n)
end

local function field(number, bytes) return string.char(number << 3 | 2) .. varint(#bytes) .. bytes end

---The record that holds these bytes.
---@param payload string
---@return string
function M.record(payload)
  local length = ("<I8"):pack(#payload)
  return length .. ("<I4"):pack(masked(length)) .. payload .. ("<I4"):pack(masked(payload))
end

---The record of one scalar, which may be any double.
---@param point {tag: string, value: number, step: integer?, time: number?}
---@return string
function M.scalar(point)
  local tensor = "\8\2" .. field(6, ("<d"):pack(point.value)) -- DT_DOUBLE
  local value = field(1, point.tag) .. field(8, tensor) .. field(9, field(1, field(1, "scalars")))
  return M.record("\9" .. ("<d"):pack(point.time or 1.7e9) .. "\16" .. varint(point.step or 0)
    .. field(5, field(1, value)))
end

---The bytes of a file of scalars.
---@param points {tag: string, value: number, step: integer?, time: number?}[]
---@return string
function M.file(points)
  local out = {}
  for i, point in ipairs(points) do out[i] = M.scalar(point) end
  return table.concat(out)
end

return M
