---Another name of `helios.core.logging`, which is also the field `logging` of `helios`.
return require "helios.core.logging"
