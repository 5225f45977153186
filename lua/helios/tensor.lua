---Typed arrays that carry data to the writer: made from tables or bytes, read, viewed, and handed on without a copy.
--
-- It is no maths library. dtypes: bool, int8 to int64, uint8 to uint64, float16, bfloat16, float32, float64.
-- @module helios.tensor
local native = require("helios.native").tensor

---A tensor. `permute`, `select` and (where it can) `reshape` give views: they share memory with the tensor they came
---from, and keep it alive. Indices and dimensions count from 1.
---@class helios.Tensor
---@field shape integer[] the sizes, a fresh list
---@field dtype helios.DType
---@field ndim integer how many dimensions

---@alias helios.DType
---| "bool" | "int8" | "int16" | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64"
---| "float16" | "bfloat16" | "float32" | "float64"

local M = {}

---A tensor of zeros.
---@function new
---@param shape integer[] sizes; `{}` for a single number
---@param dtype? helios.DType "float32" when left out
---@return helios.Tensor
M.new = native.new

---A tensor of the numbers or booleans in a regular nested table; raises when it is ragged or cyclic, naming the place.
---@function from_table
---@param t table|number
---@param dtype? helios.DType "float32" when left out; integers must fit it
---@return helios.Tensor
M.from_table = native.from_table

---A tensor with a copy of raw bytes: native order, C-contiguous. Raises when their number is not what the shape takes.
---@function from_bytes
---@param s string
---@param shape integer[]
---@param dtype? helios.DType "float32" when left out
---@return helios.Tensor
M.from_bytes = native.from_bytes

---The pixels of a PNG file.
---@param path string
---@return helios.Tensor? image uint8, height x width x channels (1, 3 or 4), or nil when the file cannot be read
---@return string? message why not
---@return string? code "EIO" or "EFORMAT"
function M.read_png(path)
  if type(path) ~= "string" then
    error(("read_png: argument 'path': expected a string, got %s"):format(type(path)), 2)
  end
  local file, message = io.open(path, "rb")
  if not file then return nil, message, "EIO" end
  local bytes, reason = file:read("a")
  file:close()
  if not bytes then return nil, ("%s: %s"):format(path, reason), "EIO" end
  local image, detail, code = native.decode_png(bytes)
  if not image then return nil, ("%s: %s"):format(path, detail), code end
  return image
end

return M
