---Random numbers that a checkpoint can hold: the same seed gives the same numbers on every machine, and a generator
---restored from its state goes on with the very next one.
---
---The generator is xoshiro256** (Blackman and Vigna, 2018), seeded through splitmix64, in plain 64-bit integers.
local native = require "helios.native"

local M = {}

local DEFAULT_SEED <const> = 6691
local ALGORITHM <const> = "xoshiro256**"

---@class helios.Generator
---@field private s integer[] the four words of the state
local Generator = {}
Generator.__index = Generator
Generator.__name = "helios.Generator"

local function rotate_left(x, n)
  return (x << n) | (x >> (64 - n))
end

-- Spreads one seed over the four words; the all-zero state, which xoshiro could never leave, cannot come out of it.
local function spread(seed)
  local s = {}
  for i = 1, 4 do
    seed = seed + 0x9E3779B97F4A7C15
    local z = seed
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    s[i] = z ~ (z >> 31)
  end
  return s
end

local function check_integer(value, func, name)
  local n = math.type(value) and math.tointeger(value)
  if not n then
    error(("%s: argument '%s': expected an integer, got %s"):format(func, name, tostring(value)), 3)
  end
  return n
end

local function check_number(value, otherwise, func, name)
  if value == nil then return otherwise end
  if type(value) ~= "number" then
    error(("%s: argument '%s': expected a number, got a %s"):format(func, name, type(value)), 3)
  end
  return value
end

---A generator of its own. Equal seeds give equal sequences.
---@param seed integer? default: Helios' default seed, 6691
---@return helios.Generator
function M.new(seed)
  seed = seed == nil and DEFAULT_SEED or check_integer(seed, "new", "seed")
  return setmetatable({s = spread(seed)}, Generator)
end

---The next 64 random bits, as a Lua integer (negative half of the time).
---@return integer
function Generator:bits()
  local s = self.s
  local s1 = s[2]
  local result = rotate_left(s1 * 5, 7) * 9
  local t = s1 << 17
  s[3] = s[3] ~ s[1]
  s[4] = s[4] ~ s1
  s[2] = s1 ~ s[3]
  s[1] = s[1] ~ s[4]
  s[3] = s[3] ~ t
  s[4] = rotate_left(s[4], 45)
  return result
end

---A float in [0, 1), every multiple of 2^-53 equally likely.
---@return number
function Generator:random()
  return (self:bits() >> 11) * 0x1p-53
end

---An integer from lo to hi, both included, all equally likely.
---@param lo integer
---@param hi integer at least lo
---@return integer
function Generator:integers(lo, hi)
  lo, hi = check_integer(lo, "integers", "lo"), check_integer(hi, "integers", "hi")
  if lo > hi then error(("integers: argument 'hi': %d is below lo, %d"):format(hi, lo), 2) end
  local range = hi - lo -- as an unsigned number; it may wrap
  local mask = range
  for _, n in ipairs {1, 2, 4, 8, 16, 32} do mask = mask | (mask >> n) end
  repeat
    local candidate = self:bits() & mask
    if not math.ult(range, candidate) then return lo + candidate end
  until false
end

---A normally distributed float (Marsaglia's polar method; the second value is thrown away, so that the state is the
---four words alone).
---@param mean number? default 0
---@param deviation number? default 1
---@return number
function Generator:normal(mean, deviation)
  mean = check_number(mean, 0, "normal", "mean")
  deviation = check_number(deviation, 1, "normal", "deviation")
  repeat
    local x, y = 2 * self:random() - 1, 2 * self:random() - 1
    local r = x * x + y * y
    if r < 1 and r > 0 then
      return mean + deviation * x * math.sqrt(-2 * math.log(r) / r)
    end
  until false
end

---Bring the elements of a list into random order, in place, all orders equally likely.
---@generic T
---@param list T[]
---@return T[] list the same list
function Generator:shuffle(list)
  if type(list) ~= "table" then
    error("shuffle: argument 'list': expected a table, got a " .. type(list), 2)
  end
  for i = #list, 2, -1 do
    local j = self:integers(1, i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

---The integers 1 to n in random order.
---@param n integer
---@return integer[]
function Generator:permutation(n)
  n = check_integer(n, "permutation", "n")
  local order = {}
  for i = 1, n do order[i] = i end
  return self:shuffle(order)
end

---What `load_state_dict` needs to go on from here: `{algorithm=, s={four integers}}`.
---@return table
function Generator:state_dict()
  return {algorithm = ALGORITHM, s = {table.unpack(self.s)}}
end

---Go on where a generator of this state stood.
---@param state table
function Generator:load_state_dict(state)
  local s = type(state) == "table" and state.algorithm == ALGORITHM and state.s
  if type(s) ~= "table" or #s ~= 4 then
    error("load_state_dict: argument 'state': expected the state of a " .. ALGORITHM .. " generator", 2)
  end
  for i = 1, 4 do
    if math.type(s[i]) ~= "integer" then error("load_state_dict: argument 'state': its words must be integers", 2) end
  end
  self.s = {table.unpack(s)}
end

local default ---@type helios.Generator?

---The seed used where none is given.
---@return integer
function M.get_default_seed()
  return DEFAULT_SEED
end

---Seed the default generator and Lua's math.random.
---@param seed integer? default: `get_default_seed()`
function M.seed_rngs(seed)
  seed = seed == nil and DEFAULT_SEED or check_integer(seed, "seed_rngs", "seed")
  default = M.new(seed)
  math.randomseed(seed)
end

---The generator that `seed_rngs` made; raises before that.
---@return helios.Generator
function M.get_default_rng()
  return default or error("get_default_rng: the default generator does not exist; call seed_rngs first", 2)
end

---The states of the default generator and of math.random, to be put in a checkpoint.
---@return table
function M.get_rng_state_dict()
  local generator = default or error("get_rng_state_dict: no default generator; call seed_rngs first", 2)
  return {helios = generator:state_dict(), lua = native.random.state()}
end

---Restore what `get_rng_state_dict` gave.
---@param state_dict table
function M.load_rng_state_dict(state_dict)
  if type(state_dict) ~= "table" or type(state_dict.helios) ~= "table" then
    error("load_rng_state_dict: argument 'state_dict': expected what get_rng_state_dict gives", 2)
  end
  default = default or M.new()
  default:load_state_dict(state_dict.helios)
  if type(state_dict.lua) == "string" then native.random.set_state(state_dict.lua) end
end

return M
