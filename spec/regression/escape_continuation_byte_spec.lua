---A tag that holds a byte of UTF-8 with no beginning ended `helios ls` with a traceback (found by make fuzz-commands).
local text = require "helios.cli.text"

describe("escape", function()
  it("takes any bytes", function()
    assert.same("a\\x80b", text.escape("a\x80b"))
    assert.same("\\xbf\\xc3", text.escape("\xbf\xc3"))
    assert.same("\\xe2\\x82x\\xf4\\x90\\x80\\x80", text.escape("\xe2\x82x\xf4\x90\x80\x80"))
    assert.same("gr\u{fc}n\\x1b\\u{202e}", text.escape("gr\u{fc}n\27\u{202e}"))
  end)
end)
