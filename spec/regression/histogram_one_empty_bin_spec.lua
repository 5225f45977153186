---A histogram with a single bin that holds none of the values was refused; torch writes the bin's right edge.
local events = require "spec.support.events"
local logging = require "helios.core.logging"
local tmp = require "spec.support.tmp"

describe("TensorboardWriter:add_histogram with one bin that stays empty", function()
  it("writes its right edge and no count", function()
    local dir, tb = tmp.dir(), logging.TensorboardWriter()
    tb:setup(dir)
    tb:add_histogram("x", {5, 6}, {bins = {0, 1}})
    tb:add_histogram("y", {5, 6}, {bins = {0, 1, 2}, max_bins = 1})
    assert.error_matches(function() tb:add_histogram("z", {5, 6}, {bins = {0, 1, 2}}) end, "none of the values")
    assert(tb:close())
    local histos = events.values(dir)
    assert.same({min = 5.0, max = 6.0, num = 2.0, sum = 11.0, sum_squares = 61.0, bucket_limit = {1.0}, bucket = {0.0}},
      histos[1].histo)
    assert.same({2.0}, histos[2].histo.bucket_limit)
    assert.equal(2, #histos)
  end)
end)
