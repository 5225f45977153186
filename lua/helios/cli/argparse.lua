---The parser of command lines. Inside the command this module is argparse itself (cli.mk), under this name, so that a
---script's own `require "argparse"` finds the script's.
return require "argparse"
