  ;; Writes a thousand lines of a kilobyte, then answers.
  (import "coworker:skill/log@0.1.0" "log" (func $log (param i32 i32 i32)))
  (func (export "invoke") (param i32 i32) (param $at i32) (param $len i32) (result i32)
    (local $n i32)
    (memory.fill (i32.const 4096) (i32.const 120) (i32.const 1024))
    (loop $again
      (call $log (i32.const 2) (i32.const 4096) (i32.const 1024))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const 1000))))
    (i32.store (i32.const 20) (local.get $at))
    (i32.store (i32.const 24) (local.get $len))
    (i32.const 16))
