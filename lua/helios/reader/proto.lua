---The messages inside events that only a reader of whole runs needs: hyper-parameters, graphs, layouts of charts.
---Decodes protobuf by hand; bytes that do not parse give nil, never an error, and no message nests without bound.
local M = {}

local MOST_DEPTH = 16

local function varint(s, at)
  local value, shift = 0, 0
  while shift < 70 do
    local byte = s:byte(at)
    if not byte then return nil end
    if shift < 64 then value = value | ((byte & 0x7f) << shift) end
    at = at + 1
    if byte < 0x80 then return value, at end
    shift = shift + 7
  end
  return nil
end

local function fixed(s, at, format, size)
  if at + size - 1 > #s then return nil end
  return string.unpack(format, s, at), at + size
end

local function bytes(s, at)
  local n
  n, at = varint(s, at)
  if not n or n < 0 or n > #s - at + 1 then return nil end
  return s:sub(at, at + n - 1), at + n
end

local PAYLOADS = {
  [0] = varint,
  [1] = function(s, at) return fixed(s, at, "<d", 8) end,
  [2] = bytes,
  [5] = function(s, at) return fixed(s, at, "<f", 4) end,
}

---The fields of a message: a list of `{number, value}`; nil when the bytes are no message. 64-bit fields are read as
---doubles, 32-bit ones as floats, which is what the messages here hold.
---@param s string
---@return table[]?
function M.fields(s)
  local out, at = {}, 1
  while at <= #s do
    local tag, value
    tag, at = varint(s, at)
    local read = tag and PAYLOADS[tag & 7]
    if not read or tag >> 3 == 0 then return nil end
    value, at = read(s, at)
    if value == nil then return nil end
    out[#out + 1] = {tag >> 3, value}
  end
  return out
end

---The last field of each number; `lists` names the numbers whose values are collected in order.
local function message(s, lists)
  local fields = type(s) == "string" and M.fields(s)
  if not fields then return nil end
  local out = {}
  for _, field in ipairs(fields) do
    local number, value = field[1], field[2]
    if lists and lists[number] then
      out[number] = out[number] or {}
      table.insert(out[number], value)
    else
      out[number] = value
    end
  end
  return out
end

local function text(value) return type(value) == "string" and value or nil end

---A google.protobuf.Value as a Lua value.
local function protobuf_value(s)
  local m = message(s) or {}
  if type(m[2]) == "number" then return m[2] end
  if text(m[3]) then return m[3] end
  if m[4] ~= nil then return m[4] ~= 0 end
  return nil
end

local function hparam_infos(list)
  local out = {}
  for _, item in ipairs(list or {}) do
    local m = message(item)
    if m and text(m[1]) then out[#out + 1] = {name = m[1], type = m[4]} end
  end
  return out
end

local function metric_infos(list)
  local out = {}
  for _, item in ipairs(list or {}) do
    local m = message(item)
    local name = m and message(m[1])
    if name and text(name[2]) then out[#out + 1] = {tag = name[2], group = text(name[1])} end
  end
  return out
end

local function session_start(s)
  local m = message(s, {[1] = true}) or {}
  local values = {}
  for _, pair in ipairs(m[1] or {}) do
    local entry = message(pair)
    if entry and text(entry[1]) then values[entry[1]] = protobuf_value(entry[2]) end
  end
  return values
end

---What the content of a value of plugin `hparams` says: `{experiment = {hparams, metrics}}`,
---`{session = {name = value}}` or `{status = number}`.
---@param content string
---@return table?
function M.hparams(content)
  local m = message(content)
  if not m then return nil end
  if text(m[2]) then
    local e = message(m[2], {[4] = true, [5] = true}) or {}
    return {experiment = {hparams = hparam_infos(e[4]), metrics = metric_infos(e[5])}}
  end
  if text(m[3]) then return {session = session_start(m[3])} end
  if text(m[4]) then return {status = (message(m[4]) or {})[1] or 0} end
  return nil
end

local function shape_text(s, depth)
  if depth > MOST_DEPTH then return nil end
  local m = message(s, {[2] = true})
  if not m then return nil end
  local sizes = {}
  for _, dim in ipairs(m[2] or {}) do
    sizes[#sizes + 1] = tostring((message(dim) or {})[1] or "?")
  end
  return "[" .. table.concat(sizes, ", ") .. "]"
end

---An AttrValue as text.
local function attribute(s, depth)
  local m = message(s)
  if not m or depth > MOST_DEPTH then return "" end
  if text(m[2]) then return m[2] end
  if m[3] then return tostring(m[3]) end
  if m[4] then return tostring(m[4]) end
  if m[5] then return m[5] ~= 0 and "true" or "false" end
  if m[6] then return "dtype " .. tostring(m[6]) end
  if text(m[7]) then return shape_text(m[7], depth + 1) or "" end
  if not text(m[1]) then return "" end
  local parts = {} -- a list: of strings, numbers, or shapes (torch's _output_shapes)
  for _, field in ipairs(M.fields(m[1]) or {}) do
    parts[#parts + 1] = field[1] == 7 and shape_text(field[2], depth + 1) or tostring(field[2])
  end
  return table.concat(parts, ", ")
end

local function node(s)
  local m = message(s, {[3] = true, [5] = true})
  if not m or not text(m[1]) then return nil end
  local attributes = {}
  for _, pair in ipairs(m[5] or {}) do
    local entry = message(pair)
    if entry and text(entry[1]) then attributes[entry[1]] = attribute(entry[2], 0) end
  end
  local inputs = {}
  for _, input in ipairs(m[3] or {}) do
    inputs[#inputs + 1] = text(input)
  end
  return {name = m[1], op = text(m[2]) or "", inputs = inputs, device = text(m[4]), attr = attributes}
end

---The nodes of a GraphDef: `{name, op, inputs, device, attr}` each.
---@param bytes_of_graph string
---@return table[]?
function M.graph(bytes_of_graph)
  local m = message(bytes_of_graph, {[1] = true})
  if not m then return nil end
  local nodes = {}
  for _, item in ipairs(m[1] or {}) do
    nodes[#nodes + 1] = node(item)
  end
  return nodes
end

local function margins(s)
  local out = {}
  for _, item in ipairs((message(s, {[1] = true}) or {})[1] or {}) do
    local m = message(item)
    if m and text(m[1]) then out[#out + 1] = {m[1], text(m[2]) or "", text(m[3]) or ""} end
  end
  return out
end

local function chart(s)
  local m = message(s)
  if not m then return nil end
  local out = {title = text(m[1]) or "", tags = {}, margins = {}}
  for _, tag in ipairs((message(m[2], {[1] = true}) or {})[1] or {}) do out.tags[#out.tags + 1] = text(tag) end
  if m[3] then out.margins = margins(m[3]) end
  return out
end

---The charts of a layout of custom scalars: `{category, title, tags = {...}, margins = {{value, lower, upper}, ...}}`
---each, where one of the two lists is empty.
---@param layout string
---@return table[]?
function M.layout(layout)
  local m = message(layout, {[2] = true})
  if not m then return nil end
  local out = {}
  for _, item in ipairs(m[2] or {}) do
    local category = message(item, {[2] = true}) or {}
    for _, bytes_of_chart in ipairs(category[2] or {}) do
      local found = chart(bytes_of_chart)
      if found then found.category = text(category[1]) or "" end
      out[#out + 1] = found
    end
  end
  return out
end

return M
