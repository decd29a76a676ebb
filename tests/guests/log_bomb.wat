  ;; Hands over 8 MiB as one log line.
  (import "coworker:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "invoke") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 128)))
    (call $log (i32.const 2) (i32.const 0) (i32.const 8388608))
    (unreachable))
