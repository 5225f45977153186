---An event-file decoder in plain Lua, for specs. It shares no code with the C core, so that the two cannot agree on
---a mistake: its own CRC-32C, its own record and protobuf reader, its own list of the messages' fields.
---It is strict: a damaged record, an unknown field or a wrong wire type is an error that says where.
---A field that is not in the bytes is nil; repeated fields are lists, maps are `{{key=, value=}, ...}` in file order.
local tmp = require "spec.support.tmp"

local M = {}

-- assert without a source position, as messages are put together on the way out.
local function check(fact, message)
  if not fact then error(message, 0) end
  return fact
end

-- CRC-32C (Castagnoli), one byte at a time: reflected polynomial 0x82F63B78.
local crc_of_byte = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do
    crc = (crc & 1 == 1) and (crc >> 1) ~ 0x82F63B78 or crc >> 1
  end
  crc_of_byte[byte] = crc
end

---@param bytes string
---@return integer crc 0 to 2^32 - 1
function M.crc32c(bytes)
  local crc = 0xFFFFFFFF
  for i = 1, #bytes do
    crc = crc_of_byte[(crc ~ bytes:byte(i)) & 0xFF] ~ (crc >> 8)
  end
  return crc ~ 0xFFFFFFFF
end

local function masked(bytes)
  local crc = M.crc32c(bytes)
  return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
end

---The payloads of the records that a string of file bytes holds, both checksums of each checked.
---@param bytes string
---@return string[]
function M.records(bytes)
  local payloads, at = {}, 1
  while at <= #bytes do
    check(at + 11 <= #bytes, "cut record header at byte " .. at - 1)
    local length, length_crc = string.unpack("<I8I4", bytes, at)
    check(length_crc == masked(bytes:sub(at, at + 7)), "wrong checksum of the length at byte " .. at - 1)
    check(length >= 0 and length <= #bytes - at - 15, "cut record at byte " .. at - 1)
    local payload = bytes:sub(at + 12, at + 11 + length)
    local payload_crc = string.unpack("<I4", bytes, at + 12 + length)
    check(payload_crc == masked(payload), "wrong checksum of the payload at byte " .. at - 1)
    payloads[#payloads + 1] = payload
    at = at + 16 + length
  end
  return payloads
end

-- The messages: field number to {name, type}. A type in brackets is repeated, numbers packed or not; {key, value}
-- in front of "map" is a map; a type that begins with a capital is another message here.
local schema = {
  Event = {
    {"wall_time", "double"}, {"step", "int64"}, {"file_version", "string"}, {"graph_def", "bytes"},
    {"summary", "Summary"}, [7] = {"session_log", "SessionLog"},
    [8] = {"tagged_run_metadata", "TaggedRunMetadata"}, [10] = {"source_metadata", "SourceMetadata"},
  },
  SessionLog = {{"status", "int32"}, {"checkpoint_path", "string"}, {"msg", "string"}},
  TaggedRunMetadata = {{"tag", "string"}, {"run_metadata", "bytes"}},
  SourceMetadata = {{"writer", "string"}},
  Summary = {{"value", "[Value]"}},
  Value = {
    {"tag", "string"}, {"simple_value", "float"}, [4] = {"image", "Image"}, [5] = {"histo", "HistogramProto"},
    [6] = {"audio", "Audio"}, [7] = {"node_name", "string"}, [8] = {"tensor", "TensorProto"},
    [9] = {"metadata", "SummaryMetadata"},
  },
  SummaryMetadata = {
    {"plugin_data", "PluginData"}, {"display_name", "string"}, {"summary_description", "string"},
    {"data_class", "int32"},
  },
  PluginData = {{"plugin_name", "string"}, {"content", "bytes"}},
  Image = {{"height", "int32"}, {"width", "int32"}, {"colorspace", "int32"}, {"encoded_image_string", "bytes"}},
  Audio = {
    {"sample_rate", "float"}, {"num_channels", "int64"}, {"length_frames", "int64"},
    {"encoded_audio_string", "bytes"}, {"content_type", "string"},
  },
  HistogramProto = {
    {"min", "double"}, {"max", "double"}, {"num", "double"}, {"sum", "double"}, {"sum_squares", "double"},
    {"bucket_limit", "[double]"}, {"bucket", "[double]"},
  },
  TensorProto = {
    {"dtype", "int32"}, {"tensor_shape", "TensorShape"}, [4] = {"tensor_content", "bytes"},
    [5] = {"float_val", "[float]"}, [6] = {"double_val", "[double]"}, [7] = {"int_val", "[int32]"},
    [8] = {"string_val", "[bytes]"}, [10] = {"int64_val", "[int64]"}, [11] = {"bool_val", "[bool]"},
    [13] = {"half_val", "[int32]"}, [16] = {"uint32_val", "[uint32]"}, [17] = {"uint64_val", "[uint64]"},
  },
  TensorShape = {[2] = {"dim", "[Dim]"}, [3] = {"unknown_rank", "bool"}},
  Dim = {{"size", "int64"}, {"name", "string"}},
  -- plugin data: the content of SummaryMetadata, and what a custom-scalars tensor holds
  PrCurvePluginData = {{"version", "int32"}, {"num_thresholds", "uint32"}},
  HParamsPluginData = {
    {"version", "int32"}, {"experiment", "Experiment"}, {"session_start_info", "SessionStartInfo"},
    {"session_end_info", "SessionEndInfo"},
  },
  Experiment = {
    {"description", "string"}, {"user", "string"}, {"time_created_secs", "double"},
    {"hparam_infos", "[HParamInfo]"}, {"metric_infos", "[MetricInfo]"},
  },
  HParamInfo = {
    {"name", "string"}, {"display_name", "string"}, {"description", "string"}, {"type", "int32"},
    {"domain_discrete", "ListValue"}, {"domain_interval", "Interval"},
  },
  Interval = {{"min_value", "double"}, {"max_value", "double"}},
  MetricInfo = {{"name", "MetricName"}, [3] = {"display_name", "string"}, [4] = {"description", "string"}},
  MetricName = {{"group", "string"}, {"tag", "string"}},
  SessionStartInfo = {
    {"hparams", "map<ProtobufValue>"}, {"model_uri", "string"}, {"monitor_url", "string"},
    {"group_name", "string"}, {"start_time_secs", "double"},
  },
  SessionEndInfo = {{"status", "int32"}, {"end_time_secs", "double"}},
  ListValue = {{"values", "[ProtobufValue]"}},
  ProtobufValue = {
    {"null_value", "int32"}, {"number_value", "double"}, {"string_value", "string"}, {"bool_value", "bool"},
    [6] = {"list_value", "ListValue"},
  },
  MeshPluginData = {
    {"version", "int32"}, {"name", "string"}, {"content_type", "int32"}, [5] = {"json_config", "string"},
    [6] = {"shape", "[int32]"}, [7] = {"components", "uint32"},
  },
  Layout = {{"version", "int32"}, {"category", "[Category]"}},
  Category = {{"title", "string"}, {"chart", "[Chart]"}, {"closed", "bool"}},
  Chart = {{"title", "string"}, {"multiline", "Multiline"}, {"margin", "Margin"}},
  Multiline = {{"tag", "[string]"}},
  Margin = {{"series", "[MarginSeries]"}},
  MarginSeries = {{"value", "string"}, {"lower", "string"}, {"upper", "string"}},
  GraphDef = {{"node", "[Node]"}, {"library", "bytes"}, {"version", "int32"}, {"versions", "Versions"}},
  Versions = {{"producer", "int32"}, {"min_consumer", "int32"}, {"bad_consumers", "[int32]"}},
  Node = {
    {"name", "string"}, {"op", "string"}, {"input", "[string]"}, {"device", "string"}, {"attr", "map<AttrValue>"},
  },
  AttrValue = {
    {"list", "AttrList"}, {"s", "bytes"}, {"i", "int64"}, {"f", "float"}, {"b", "bool"}, {"type", "int32"},
    {"shape", "TensorShape"}, {"tensor", "TensorProto"},
  },
  AttrList = {
    [2] = {"s", "[bytes]"}, [3] = {"i", "[int64]"}, [4] = {"f", "[float]"}, [5] = {"b", "[bool]"},
    [6] = {"type", "[int32]"}, [7] = {"shape", "[TensorShape]"}, [8] = {"tensor", "[TensorProto]"},
  },
  RunMetadata = {{"step_stats", "StepStats"}},
  StepStats = {{"dev_stats", "[DeviceStepStats]"}},
  DeviceStepStats = {{"device", "string"}, {"node_stats", "[bytes]"}},
}

local VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

-- Scalar types: their wire type, and the Lua value of what stands on the wire (a varint is an integer by then).
local function as_is(content) return content end
local function within(low, high)
  return function(n)
    check(n >= low and n <= high, "a number out of its type's range")
    return n
  end
end
local scalar_types = {
  double = {FIXED64, function(bytes) return (string.unpack("<d", bytes)) end},
  float = {FIXED32, function(bytes) return (string.unpack("<f", bytes)) end},
  int64 = {VARINT, as_is},
  uint64 = {VARINT, as_is}, -- above 2^63 - 1: the same bits, negative
  int32 = {VARINT, within(-0x80000000, 0x7FFFFFFF)},
  uint32 = {VARINT, within(0, 0xFFFFFFFF)},
  bool = {VARINT, function(n) return within(0, 1)(n) == 1 end},
  string = {LENGTH, function(bytes)
    check(utf8.len(bytes), "a string that is not UTF-8")
    return bytes
  end},
  bytes = {LENGTH, as_is},
}

local function read_varint(bytes, at)
  local value, shift = 0, 0
  repeat
    local byte = check(bytes:byte(at), "cut varint")
    check(shift < 70, "varint of more than ten bytes")
    value = value | (byte & 0x7F) << shift
    at, shift = at + 1, shift + 7
  until byte < 0x80
  return value, at
end

local function read_bytes(bytes, at, length)
  check(length >= 0 and length <= #bytes - at + 1, "cut field")
  return bytes:sub(at, at + length - 1), at + length
end

-- One field's content as it stands: an integer for varints, bytes for all else.
local function read_wire(bytes, at, wire_type)
  if wire_type == VARINT then return read_varint(bytes, at) end
  if wire_type == FIXED64 then return read_bytes(bytes, at, 8) end
  if wire_type == FIXED32 then return read_bytes(bytes, at, 4) end
  check(wire_type == LENGTH, "unknown wire type")
  local length
  length, at = read_varint(bytes, at)
  return read_bytes(bytes, at, length)
end

local function read_packed(bytes, scalar, list)
  local at = 1
  while at <= #bytes do
    local content
    content, at = read_wire(bytes, at, scalar[1])
    list[#list + 1] = scalar[2](content)
  end
end

local read_message

local function read_value(type_name, content, wire_type)
  local scalar = scalar_types[type_name]
  check(wire_type == (scalar and scalar[1] or LENGTH), "wrong wire type of a " .. type_name)
  if scalar then return scalar[2](content) end
  return read_message(content, type_name)
end

local function read_map_entry(bytes, value_type)
  local entry, at = {}, 1
  while at <= #bytes do
    local key, content
    key, at = read_varint(bytes, at)
    content, at = read_wire(bytes, at, key & 7)
    if key >> 3 == 1 then
      entry.key = content
    else
      entry.value = read_value(value_type, content, key & 7)
    end
  end
  return entry
end

local function store(message, field, content, wire_type)
  local name, kind = field[1], field[2]
  local item, map_value = kind:match("^%[(.*)%]$"), kind:match("^map<(.*)>$")
  if not item and not map_value then
    check(message[name] == nil, "a field that stands there twice")
    message[name] = read_value(kind, content, wire_type)
    return
  end
  local list = message[name] or {}
  message[name] = list
  local scalar = scalar_types[item]
  if map_value then
    list[#list + 1] = read_map_entry(content, map_value)
  elseif scalar and scalar[1] ~= LENGTH and wire_type == LENGTH then
    read_packed(content, scalar, list)
  else
    list[#list + 1] = read_value(item, content, wire_type)
  end
end

function read_message(bytes, type_name)
  local fields = check(schema[type_name], "unknown message " .. type_name)
  local message, at = {}, 1
  while at <= #bytes do
    local key, content
    key, at = read_varint(bytes, at)
    content, at = read_wire(bytes, at, key & 7)
    local field = check(fields[key >> 3], ("unknown field %d of %s"):format(key >> 3, type_name))
    local ok, reason = pcall(store, message, field, content, key & 7)
    if not ok then error(("%s.%s: %s"):format(type_name, field[1], reason), 0) end
    if type_name == "Event" and field[1] == "summary" then message.summary_bytes = content end
    if type_name == "Summary" then message.value[#message.value].bytes = content end
  end
  return message
end

---Decode one protobuf message, also what stands as bytes in an event: `events.decode(content, "HParamsPluginData")`,
---`PrCurvePluginData`, `MeshPluginData`, `Layout`, `GraphDef`, `RunMetadata`, ...
---@param bytes string
---@param type_name string
---@return table
function M.decode(bytes, type_name)
  return read_message(bytes, type_name)
end

---All events of a file. Beside its fields an event has `summary_bytes`, and each summary value `bytes`: the
---serialized message as it stands in the file.
---@param path string
---@return table[]
function M.read(path)
  local list = {}
  for i, payload in ipairs(M.records(tmp.read(path))) do list[i] = read_message(payload, "Event") end
  return list
end

---The event files of a run's folder (not of the runs below it), in name order.
---@param dir string
---@return string[] names
function M.files(dir)
  return tmp.files(dir, "^[^/]*tfevents[^/]*$")
end

---The events of all of a run's files, one file after another.
---@param dir string
---@return table[]
function M.run(dir)
  local list = {}
  for _, name in ipairs(M.files(dir)) do
    local events = M.read(dir .. "/" .. name)
    table.move(events, 1, #events, #list + 1, list)
  end
  return list
end

---The summary values of a run: each as decoded, with `step` (0 when the event has none) and `wall_time` added.
---@param dir string
---@param tag? string only the values of this tag
---@return table[]
function M.values(dir, tag)
  local list = {}
  for _, event in ipairs(M.run(dir)) do
    for _, value in ipairs(event.summary and event.summary.value or {}) do
      if tag == nil or value.tag == tag then
        value.step, value.wall_time = event.step or 0, event.wall_time
        list[#list + 1] = value
      end
    end
  end
  return list
end

---The name of the plugin that shows a value, or nil.
---@param value table
---@return string?
function M.plugin(value)
  local data = value.metadata and value.metadata.plugin_data
  return data and data.plugin_name
end

local function scalar_of(value)
  if value.simple_value then return value.simple_value end
  if M.plugin(value) ~= "scalars" then return nil end
  return (value.tensor.float_val or value.tensor.double_val)[1]
end

---The points of a run, old-style and new-style, in file order.
---@param dir string
---@return {tag: string, step: integer, value: number}[]
function M.scalars(dir)
  local points = {}
  for _, value in ipairs(M.values(dir)) do
    local number = scalar_of(value)
    if number then points[#points + 1] = {tag = value.tag or "", step = value.step, value = number} end
  end
  return points
end

---The decoded plugin content of a value: HParamsPluginData, PrCurvePluginData or MeshPluginData.
---@param value table
---@return table
function M.plugin_data(value)
  local of = {hparams = "HParamsPluginData", pr_curves = "PrCurvePluginData", mesh = "MeshPluginData"}
  local name = M.plugin(value)
  return M.decode(value.metadata.plugin_data.content or "", check(of[name], "no content of plugin " .. tostring(name)))
end

return M
