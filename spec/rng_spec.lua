local rng = require "helios.rng"

local function draw(generator, n)
  local values = {}
  for i = 1, n do values[i] = generator:bits() end
  return values
end

describe("rng.new", function()
  it("is xoshiro256**: the reference's first values for the state 1, 2, 3, 4", function()
    local g = rng.new(0)
    g:load_state_dict {algorithm = "xoshiro256**", s = {1, 2, 3, 4}}
    assert.same({11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
      -2273821095074991991, 8476171486693032832, -7851629734111992839, 2904607092377533576}, draw(g, 10))
  end)

  it("spreads the seed by splitmix64: its first values for the seed 1234567", function()
    assert.same({6457827717110365317, 3203168211198807973, -8629252141511181193, 4593380528125082431},
      rng.new(1234567):state_dict().s)
  end)

  it("gives equal sequences for equal seeds, others for other seeds", function()
    assert.same(draw(rng.new(5), 20), draw(rng.new(5), 20))
    assert.not_same(draw(rng.new(5), 20), draw(rng.new(6), 20))
    assert.same(draw(rng.new(), 5), draw(rng.new(rng.get_default_seed()), 5))
  end)

  it("refuses a seed that is no integer", function()
    assert.error_matches(function() rng.new(1.5) end, "new: argument 'seed': expected an integer, got 1.5", 1, true)
    assert.error_matches(function() rng.new("1") end, "argument 'seed'", 1, true)
  end)
end)

describe("a generator", function()
  it("gives floats in [0, 1) with mean a half", function()
    local g, sum = rng.new(1), 0
    for _ = 1, 10000 do
      local x = g:random()
      assert.is_true(x >= 0 and x < 1)
      sum = sum + x
    end
    assert.near(0.5, sum / 10000, 0.02)
  end)

  it("gives integers of any range, both ends included, evenly", function()
    local g, count = rng.new(2), {}
    for _ = 1, 6000 do
      local n = g:integers(-2, 3)
      count[n] = (count[n] or 0) + 1
    end
    for n = -2, 3 do assert.near(1000, count[n], 150) end
    assert.equal(7, g:integers(7, 7))
    assert.equal("integer", math.type(g:integers(math.mininteger, math.maxinteger)))
  end)

  it("refuses an empty range and ends that are no integers", function()
    local g = rng.new()
    assert.error_matches(function() g:integers(3, 2) end, "integers: argument 'hi': 2 is below lo, 3", 1, true)
    assert.error_matches(function() g:integers(1, 2.5) end, "integers: argument 'hi': expected an integer, got 2.5", 1,
      true)
  end)

  it("gives normal numbers of the wanted mean and deviation", function()
    local g, sum, squares = rng.new(3), 0, 0
    for _ = 1, 20000 do
      local x = g:normal(5, 2)
      sum, squares = sum + x, squares + (x - 5) ^ 2
    end
    assert.near(5, sum / 20000, 0.1)
    assert.near(4, squares / 20000, 0.2)
  end)

  it("shuffles in place, loses nothing, and reaches all orders evenly", function()
    local g, count = rng.new(4), {}
    for _ = 1, 6000 do
      local order = table.concat(g:shuffle {"a", "b", "c"})
      count[order] = (count[order] or 0) + 1
    end
    for _, order in ipairs {"abc", "acb", "bac", "bca", "cab", "cba"} do assert.near(1000, count[order], 150) end
    local permutation = g:permutation(50)
    table.sort(permutation)
    for i = 1, 50 do assert.equal(i, permutation[i]) end
  end)

  it("goes on where its state was taken, in the middle of any kind of number", function()
    local g = rng.new(5)
    g:normal()
    local state = g:state_dict()
    local wanted = {g:normal(), g:random(), g:integers(1, 1000)}
    local other = rng.new(99)
    other:load_state_dict(state)
    assert.same(wanted, {other:normal(), other:random(), other:integers(1, 1000)})
  end)

  it("refuses a state that is none", function()
    local g = rng.new()
    assert.error_matches(function() g:load_state_dict {algorithm = "mt19937", s = {1, 2, 3, 4}} end,
      "expected the state of a xoshiro256** generator", 1, true)
    assert.error_matches(function() g:load_state_dict {algorithm = "xoshiro256**", s = {1, 2, 3, 4.5}} end,
      "its words must be integers", 1, true)
  end)

  it("names the method and the argument that was wrong", function()
    local g = rng.new(1)
    local function fails(message, method, ...)
      local given = {...}
      assert.error_matches(function() g[method](g, table.unpack(given)) end, message, 1, true)
    end
    fails("shuffle: argument 'list': expected a table, got a number", "shuffle", 3)
    fails("permutation: argument 'n': expected an integer, got x", "permutation", "x")
    fails("normal: argument 'mean': expected a number, got a string", "normal", "x")
    fails("normal: argument 'deviation': expected a number, got a table", "normal", 0, {})
  end)
end)

describe("the default generators", function()
  it("are seeded together with math.random, and restored together", function()
    rng.seed_rngs(7)
    rng.get_default_rng():random()
    math.random()
    local state = rng.get_rng_state_dict()
    local wanted = {rng.get_default_rng():bits(), math.random(0), math.random(0)}
    rng.seed_rngs(8)
    rng.load_rng_state_dict(state)
    assert.same(wanted, {rng.get_default_rng():bits(), math.random(0), math.random(0)})
  end)

  it("taking their state draws nothing from them", function()
    rng.seed_rngs(7)
    local wanted = {math.random(0), rng.get_default_rng():bits()}
    rng.seed_rngs(7)
    rng.get_rng_state_dict()
    assert.same(wanted, {math.random(0), rng.get_default_rng():bits()})
  end)

  it("refuse what is no state", function()
    assert.error_matches(function() rng.load_rng_state_dict {} end, "expected what get_rng_state_dict gives", 1, true)
  end)
end)
