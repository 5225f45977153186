---Nested lengths that claim millions made room for a thousand entries each before a single byte of them was there: a
---hostile checkpoint of 600 bytes took megabytes.
local msgpack = require "helios.native".msgpack

describe("msgpack.unpack of nested arrays that claim to be huge", function()
  it("takes little memory", function()
    local bytes = ("\xdd\xff\xff\xff\xff"):rep(120)
    collectgarbage "collect"
    collectgarbage "stop"
    local before = collectgarbage "count"
    local value = msgpack.unpack(bytes)
    local taken = collectgarbage "count" - before
    collectgarbage "restart"
    assert.is_nil(value)
    assert.is_true(taken < 256, taken .. " KiB")
  end)
end)
