  ;; Emits its input without end.
  (import "coworker:skill/call@0.1.0" "emit" (func $emit (param i32 i32)))
  (func (export "invoke") (param i32 i32) (param $at i32) (param $len i32) (result i32)
    (loop $again
      (call $emit (local.get $at) (local.get $len))
      (br $again))
    (unreachable))
